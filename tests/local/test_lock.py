"""One supervisor at a time over a data directory."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local.lock import AlreadyRunning, DirectoryLock

HOLD = """
import signal, sys
from pathlib import Path
from deploy.local.lock import DirectoryLock
lock = DirectoryLock(Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
signal.pause()
"""


@contextmanager
def holding_process(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process that holds the lock; it is killed at the end."""
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


def test_a_second_holder_is_refused_with_the_first_ones_id_and_the_way_out(tmp_path: Path) -> None:
    with DirectoryLock(tmp_path / "lock"):
        with pytest.raises(AlreadyRunning) as refusal:
            DirectoryLock(tmp_path / "lock").acquire()
        assert f"process {os.getpid()}" in str(refusal.value)
        assert "./dev down" in str(refusal.value)


def test_a_released_lock_is_free_and_names_nobody(tmp_path: Path) -> None:
    with DirectoryLock(tmp_path / "lock"):
        pass
    lock = DirectoryLock(tmp_path / "lock")
    assert not lock.is_held()
    assert lock.holder() is None
    with lock:
        assert lock.is_held()


def test_the_lock_of_a_killed_holder_is_free(tmp_path: Path) -> None:
    lock = DirectoryLock(tmp_path / "lock")
    with holding_process(tmp_path / "lock") as process:
        named = lock.holder()
        assert named is not None
        assert named.pid == process.pid
    with lock:
        assert lock.is_ours
