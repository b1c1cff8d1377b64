"""Where the files lie: a private directory that several processes may share.

- `files/<sha256>`: a file, complete, for it was renamed to here
- `known/<identity>.json`: which file a store's answer was, and its ETag
- `incoming/<random>`: on its way; removed at start once it is old
- `lock`: held while files are removed
"""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_PRIVATE = 0o700
ABANDONED_S = 3600.0
"""Nothing takes this long to come: its process is dead."""


@dataclass(frozen=True, slots=True)
class Directory:
    """The places within it."""

    root: Path

    @property
    def files(self) -> Path:
        """Complete files by their hash."""
        return self.root / "files"

    @property
    def known(self) -> Path:
        """What stores answered."""
        return self.root / "known"

    @property
    def incoming(self) -> Path:
        """Files that are not complete."""
        return self.root / "incoming"

    def prepare(self) -> None:
        """Make the places, and remove what dead processes left behind."""
        for place in (self.root, self.files, self.known, self.incoming):
            place.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
        oldest = time.time() - ABANDONED_S
        for left in self.incoming.iterdir():
            # Another process may be about to rename it, or be tidying as well.
            with suppress(FileNotFoundError):
                if left.stat().st_mtime < oldest:
                    left.unlink()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Alone among all processes; the kernel lets go when one dies."""
        with (self.root / "lock").open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
