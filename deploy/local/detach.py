"""Run the supervisor in the background, and tell its starter how the start went."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from deploy.local.blueprint import ATELIER, Blueprint
from deploy.local.endpoint import Endpoint
from deploy.local.errors import CannotRun
from deploy.local.lock import AlreadyRunning, DirectoryLock
from deploy.local.paths import REPOSITORY, DataDirectory

LOG_NAME = "supervisor.log"
SHOWN_LINES = 20


class Reporter:
    """The background side: writes steps and the outcome to the pipe `descriptor`.

    Nobody may be reading any more; that must not disturb the supervisor.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def step(self, text: str) -> None:
        """Report one step of the start."""
        self._write({"step": text})

    def ready(self, endpoint: Endpoint) -> None:
        """Report success; the starter goes away."""
        self._write({"ready": asdict(endpoint)})
        self._close()

    def failed(self, why: str) -> None:
        """Report why the start failed."""
        self._write({"failed": why})
        self._close()

    def _write(self, message: Mapping[str, object]) -> None:
        if self._descriptor is None:
            return
        try:
            os.write(self._descriptor, json.dumps(message).encode() + b"\n")
        except BrokenPipeError:
            self._close()

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def start_detached(
    data: DataDirectory,
    scale: Mapping[str, int],
    report: Callable[[str], None],
    blueprint: Blueprint = ATELIER,
) -> Endpoint:
    """Start a supervisor that outlives us, and return when every service is ready.

    Raises CannotRun with the reason; Ctrl-C stops what was begun.
    """
    data.create()
    lock = DirectoryLock(data.lock_file)
    if lock.is_held():
        holder = lock.holder()
        raise AlreadyRunning(data.root, holder.pid if holder else None)
    read_end, write_end = os.pipe()
    log_begin = _log_size(data)
    process = _spawn_supervisor(blueprint, data, scale, write_end)
    os.close(write_end)
    try:
        return _follow(read_end, report)
    except KeyboardInterrupt:
        process.terminate()
        raise
    except EOFError:
        raise CannotRun(_unexpected_end(data, log_begin)) from None


def _spawn_supervisor(
    blueprint: Blueprint, data: DataDirectory, scale: Mapping[str, int], write_end: int
) -> subprocess.Popen[bytes]:
    scales = [part for name, count in scale.items() for part in ("--scale", f"{name}={count}")]
    with (data.logs / LOG_NAME).open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - our own command line
            [
                *(*blueprint.supervisor, "supervise"),
                *("--data", str(data.root), "--report-to", str(write_end), *scales),
            ],
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(write_end,),
            start_new_session=True,
        )


def _follow(read_end: int, report: Callable[[str], None]) -> Endpoint:
    for message in _messages(read_end):
        if "step" in message:
            report(str(message["step"]))
        elif "failed" in message:
            raise CannotRun(str(message["failed"]))
        elif "ready" in message:
            return Endpoint.from_json(message["ready"])
    raise EOFError


def _messages(read_end: int) -> Iterator[dict[str, Any]]:
    with os.fdopen(read_end, "rb") as pipe:
        for line in pipe:
            yield json.loads(line)


def _log_size(data: DataDirectory) -> int:
    log = data.logs / LOG_NAME
    return log.stat().st_size if log.exists() else 0


def _unexpected_end(data: DataDirectory, log_begin: int) -> str:
    log = data.logs / LOG_NAME
    with log.open("rb") as file:
        file.seek(log_begin)
        words = file.read().decode(errors="replace").splitlines()[-SHOWN_LINES:]
    said = "\n".join(f"  {line}" for line in words) or "  it printed nothing"
    return f"the supervisor ended unexpectedly; see {log}:\n{said}"
