"""Complete files by the hash of their bytes, the least recently used removed when room is short."""

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from services.generator.sdxl.loras.keeping.directory import Directory


class Missing(Exception):
    """No such file, or not with these bytes any more: it has to be fetched again."""


@dataclass(frozen=True, slots=True)
class Files:
    """All of it blocks, and belongs in a thread.

    Nothing is written through to the disk: what a power cut spoils is found by its hash.
    """

    directory: Directory
    most_bytes: int

    def take_in(self, path: Path, sha256: str) -> None:
        """Keep a complete file; the newest is kept even if it alone takes more than all may."""
        place = self.directory.files / sha256
        path.replace(place)
        self._make_room(place)

    def holds(self, sha256: str) -> bool:
        """Whether there is a file of that name; its bytes are looked at when it is opened."""
        return (self.directory.files / sha256).is_file()

    def open(self, sha256: str) -> BufferedReader:
        """The file, its bytes compared with its name. Raises Missing; the caller closes it."""
        place = self.directory.files / sha256
        try:
            file = place.open("rb")
        except FileNotFoundError:
            raise Missing from None
        try:
            self._check(file, place, sha256)
        except BaseException:
            file.close()
            raise
        return file

    def _check(self, file: BufferedReader, place: Path, sha256: str) -> None:
        if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
            place.unlink(missing_ok=True)
            raise Missing
        file.seek(0)
        with suppress(FileNotFoundError):
            os.utime(place)

    def _make_room(self, newest: Path) -> None:
        with self.directory.locked():
            found = {path: path.stat() for path in self.directory.files.iterdir()}
            excess = sum(stat.st_size for stat in found.values()) - self.most_bytes
            for path in sorted(found, key=lambda one: found[one].st_mtime_ns):
                if excess <= 0:
                    break
                if path != newest:
                    path.unlink(missing_ok=True)
                    excess -= found[path].st_size
