"""Take an embedded server away from under its supervisor."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.system import System

GONE_LIMIT_S = 10.0


@contextmanager
def supervisor_paused(system: System) -> Iterator[None]:
    """Nobody starts again what dies in the block. A short one: services wait to be read, too."""
    pid = system.pid("supervisor")
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def kill(pid: int) -> None:
    """Kill a process and return when it runs no more; its parent may be paused."""
    os.kill(pid, signal.SIGKILL)
    give_up_at = time.monotonic() + GONE_LIMIT_S
    while _state(pid) not in {"Z", "X", ""}:
        assert time.monotonic() < give_up_at, f"process {pid} survives"
        time.sleep(0.01)


def family(pid: int) -> list[int]:
    """A process and all its descendants."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in family(int(child)))]


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""
