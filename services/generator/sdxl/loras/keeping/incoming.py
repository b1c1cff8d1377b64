"""A file on its way to the disk: hashed as it comes, and gone unless it becomes complete."""

import asyncio
import errno
import hashlib
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from services.generator.sdxl.loras.refusals import unreachable
from services.generator.sdxl.wishes import NoPicture

Opener = Callable[[Path], BinaryIO]

_AT_ONCE_BYTES = 2**20
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def created(path: Path) -> BinaryIO:
    """A new file, unbuffered."""
    return path.open("xb", buffering=0)


class Incoming:
    """Takes chunks, and writes them in larger pieces on a thread."""

    def __init__(self, directory: Path, opener: Opener = created) -> None:
        self.path = directory / secrets.token_hex(16)
        self._opener = opener
        self._file: BinaryIO | None = None
        self._sha256 = hashlib.sha256()
        self._waiting = bytearray()
        self.size = 0

    async def write(self, chunk: bytes) -> None:
        """Take a chunk. Raises NoPicture where it cannot be written."""
        self._waiting += chunk
        self.size += len(chunk)
        if len(self._waiting) >= _AT_ONCE_BYTES:
            await self._flush()

    async def complete(self) -> str:
        """Write what is left; the file's sha256. Raises NoPicture."""
        await self._flush()
        self._close()
        return self._sha256.hexdigest()

    def discard(self) -> None:
        """Remove the file, unless it was moved away."""
        self._close()
        self.path.unlink(missing_ok=True)

    async def _flush(self) -> None:
        data, self._waiting = self._waiting, bytearray()
        # Not to be left before the thread is done with the file, though the download is given up.
        writing = asyncio.ensure_future(asyncio.to_thread(self._write, data))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            await asyncio.wait([writing])
            raise
        except OSError as exc:
            raise unwritten(exc) from None

    def _write(self, data: bytearray) -> None:
        if self._file is None:
            self._file = self._opener(self.path)
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) :]
        self._sha256.update(data)

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()


def unwritten(exc: OSError) -> NoPicture:
    """The refusal when the worker's own disk is what is wrong."""
    if exc.errno in _FULL:
        return unreachable("There is no room on the worker's disk for the file.")
    return unreachable(f"The worker's disk did not take the file ({type(exc).__name__}).")
