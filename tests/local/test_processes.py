"""Children that do not outlive us, and ids that are not trusted blindly."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

from deploy.local.processes import ProcessIdentity, popen_ended, spawn, stop_process, tethered
from tests.eventually import eventually

START_A_CHILD = """
import os, signal, sys
from deploy.local.processes import spawn, tethered
command = tethered([sys.executable, "-c", {child!r}], death_signal=signal.SIGTERM)
print(spawn(command, env=os.environ, output=2).pid, flush=True)
signal.pause()
"""


def start_parent(child: str) -> tuple[subprocess.Popen[bytes], ProcessIdentity]:
    """Start a process that starts `child`; give both."""
    parent = subprocess.Popen(
        [sys.executable, "-c", START_A_CHILD.format(child=child)], stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    identity = ProcessIdentity.of(int(parent.stdout.readline()))
    parent.stdout.close()
    assert identity is not None
    return parent, identity


async def test_a_child_dies_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    at_work = tmp_path / "at work"
    parent, child = start_parent(
        f"import pathlib, signal; pathlib.Path({str(at_work)!r}).touch(); signal.pause()"
    )
    await eventually(at_work.exists)
    parent.kill()
    parent.wait()
    assert await child.ended(5)


async def test_a_child_whose_parent_is_killed_at_once_does_not_begin() -> None:
    parent, child = start_parent("import signal; signal.pause()")
    parent.kill()
    parent.wait()
    assert await child.ended(5)


async def test_ctrl_c_on_the_terminal_does_not_reach_a_child() -> None:
    process = spawn(tethered(["sleep", "60"]), env=os.environ, output=subprocess.DEVNULL)
    try:
        assert os.getpgid(process.pid) != os.getpgid(0)
    finally:
        process.kill()
        process.wait()


def sleeper() -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sleep", "60"])


async def test_a_reused_process_id_is_not_mistaken_for_the_old_process() -> None:
    process = sleeper()
    try:
        stranger = ProcessIdentity(process.pid, "started at another time")
        assert not stranger.is_alive()
        stranger.send(signal.SIGKILL)
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()


async def test_a_zombie_counts_as_dead() -> None:
    process = sleeper()
    identity = ProcessIdentity.of(process.pid)
    assert identity is not None
    process.kill()
    await eventually(lambda: not identity.is_alive())
    assert ProcessIdentity.of(process.pid) is None
    process.wait()


def stubborn(ready: Path) -> subprocess.Popen[bytes]:
    ignore = "import pathlib, signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    wait = "pathlib.Path(sys.argv[1]).touch(); signal.pause()"
    return subprocess.Popen([sys.executable, "-c", ignore + wait, str(ready)])


async def test_a_process_that_ignores_the_request_is_killed(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    process = stubborn(ready)
    await eventually(ready.exists)
    identity = ProcessIdentity.of(process.pid)
    assert identity is not None
    stopping = asyncio.ensure_future(stop_process(identity, signal.SIGTERM, grace_s=0.2))
    assert await popen_ended(process, 5)
    await stopping
    assert process.returncode == -signal.SIGKILL
