"""Start child processes that do not outlive us, and recognise our own after a crash."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

TETHER = Path(__file__).with_name("tether.py")
POLL_INTERVAL_S = 0.02


def tethered(
    command: Sequence[str | os.PathLike[str]],
    *,
    death_signal: signal.Signals = signal.SIGKILL,
    become: Sequence[str] = (),
    listener: int | None = None,
) -> list[str]:
    """Wrap `command` so that the kernel sends it `death_signal` when the calling *thread* ends.

    Call it from the main thread: a parent-death signal follows the thread that forked.
    `become` are extra options of `tether.py`, such as the user to run as. `listener` is the
    descriptor of a socket that the command inherits; pass it on to the shim.
    """
    options = ["--parent", str(os.getpid()), "--death-signal", str(int(death_signal)), *become]
    if listener is not None:
        options += ["--listener", str(listener)]
    shim = [sys.executable, "-I", "-S", str(TETHER)]
    return [*shim, *options, "--", *(os.fspath(part) for part in command)]


def spawn(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    output: IO[bytes] | int,
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own, so that Ctrl-C on the terminal reaches only us."""
    return subprocess.Popen(  # noqa: S603 - commands are our own, never input
        command,
        env=dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A process id with its start time: after a reuse of the id it no longer matches."""

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """Identify the live process `pid`; None when there is none."""
        started = _start_time(pid)
        return None if started is None else cls(pid, started)

    def is_alive(self) -> bool:
        """Tell whether this very process still runs; a zombie does not."""
        return _start_time(self.pid) == self.started

    def send(self, signal_number: signal.Signals) -> None:
        """Signal the process if it is still this one."""
        if self.is_alive():
            try:
                os.kill(self.pid, signal_number)
            except ProcessLookupError:
                return

    async def ended(self, timeout_s: float) -> bool:
        """Wait until the process is gone; False when it outlives `timeout_s`."""
        deadline = asyncio.get_running_loop().time() + timeout_s
        while self.is_alive():
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(POLL_INTERVAL_S)
        return True


async def stop_process(process: ProcessIdentity, first: signal.Signals, *, grace_s: float) -> None:
    """Ask with `first`, wait `grace_s`, then kill."""
    process.send(first)
    if not await process.ended(grace_s):
        process.send(signal.SIGKILL)
        await process.ended(grace_s)


async def popen_ended(process: subprocess.Popen[bytes], timeout_s: float) -> bool:
    """Wait for a child of ours and reap it; False when it outlives `timeout_s`."""
    deadline = asyncio.get_running_loop().time() + timeout_s
    while process.poll() is None:
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(POLL_INTERVAL_S)
    return True


def _start_time(pid: int) -> str | None:
    if sys.platform != "linux":
        return _start_time_from_ps(pid)
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    # The program's name, in brackets, may itself hold spaces and brackets.
    fields = stat.rpartition(b")")[2].split()
    state, started_ticks = fields[0], fields[19]
    return None if state in (b"Z", b"X") else started_ticks.decode()


def _start_time_from_ps(pid: int) -> str | None:
    answer = subprocess.run(  # noqa: S603 - a process id is all that varies
        ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
    )
    state, _, started = answer.stdout.strip().partition(" ")
    return None if not started or state.startswith("Z") else started.strip()
