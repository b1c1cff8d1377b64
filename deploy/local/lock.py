"""One supervisor at a time over a data directory."""

import fcntl
import json
import os
import time
from pathlib import Path
from typing import IO, Self

from deploy.local.errors import CannotRun
from deploy.local.processes import ProcessIdentity

# Somebody who only looks whether the lock is held holds it for a moment.
PROBES_LAST_S = 0.2


class AlreadyRunning(CannotRun):
    """Another supervisor holds the data directory."""

    def __init__(self, root: Path, pid: int | None) -> None:
        who = "another process" if pid is None else f"process {pid}"
        super().__init__(
            f"{root} is in use by {who}; stop it with ./dev down --data {str(root)!r}, "
            "or choose another directory with --data"
        )
        self.pid = pid


class DirectoryLock:
    """A lock on a file; the kernel lets go of it when its holder dies, however it dies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def acquire(self) -> None:
        """Take the lock and leave our name in it; raises AlreadyRunning."""
        file = self._path.open("a+")
        if not _try_lock_for(file, PROBES_LAST_S):
            file.close()
            holder = self.holder()
            raise AlreadyRunning(self._path.parent, holder.pid if holder else None)
        self._path.chmod(0o600)
        file.truncate(0)
        own = ProcessIdentity.of(os.getpid())
        if own is not None:
            json.dump({"pid": own.pid, "started": own.started}, file)
        file.flush()
        self._file = file

    def release(self) -> None:
        """Let the next one in."""
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()
            self._file = None

    @property
    def is_ours(self) -> bool:
        """Whether we hold the lock."""
        return self._file is not None

    def is_held(self) -> bool:
        """Whether somebody, perhaps we, holds the lock."""
        try:
            with self._path.open("r+") as file:
                return not _try_lock(file)
        except FileNotFoundError:
            return False

    def holder(self) -> ProcessIdentity | None:
        """Name the process that holds the lock; None when nobody does or it is just starting."""
        if not self.is_held():
            return None
        try:
            written = json.loads(self._path.read_text())
            return ProcessIdentity(written["pid"], written["started"])
        except (ValueError, KeyError):
            return None


def _try_lock_for(file: IO[str], duration_s: float) -> bool:
    deadline = time.monotonic() + duration_s
    while not _try_lock(file):
        if time.monotonic() > deadline:
            return False
        time.sleep(duration_s / 10)
    return True


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
