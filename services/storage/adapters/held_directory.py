"""Deliveries that wait in a directory, each a folder with its files and a note about them.

The folder appears whole, by a rename. Nothing is flushed to the disk: after a power failure what
is damaged is seen by its digests and derived again, for its source still lies in staging.
"""

import asyncio
import contextlib
import errno
import hashlib
import secrets
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import ParamSpec, TypeVar

from pydantic import ValidationError

from services.storage.ports import Area, DerivedFile, HeldDelivery, ObjectMissing, Waiting
from shared.content import Delivery, Sha256, Value
from shared.outcomes import TryLater

_NOTE = "note.json"
_UNFINISHED = ".part"
# Nobody writes that long at a delivery.
_DEAD_AFTER_S = 120.0
_THERE_ALREADY = {errno.EEXIST, errno.ENOTEMPTY}

P = ParamSpec("P")
T = TypeVar("T")


class _File(Value):
    area: Area
    key: str
    sha256: Sha256
    media_type: str


class _Note(Value):
    delivery: Delivery
    files: tuple[_File, ...]


class HeldDirectory:
    """At most `limit_bytes`, and never the last `reserve_bytes` of the disk."""

    def __init__(self, root: Path, *, limit_bytes: int, reserve_bytes: int) -> None:
        self._root = root
        self._limit_bytes = limit_bytes
        self._reserve_bytes = reserve_bytes

    def open(self) -> None:
        """Make the directory. Raises OSError."""
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def keep(self, name: str, delivery: Delivery, files: Sequence[DerivedFile]) -> bool:
        return await self._on_disk(self._keep, name, delivery, files)

    async def find(self, name: str) -> HeldDelivery | None:
        note = await self._on_disk(self._note, name)
        return None if note is None else HeldDelivery(note.delivery, len(note.files))

    async def file(self, name: str, number: int) -> DerivedFile:
        return await self._on_disk(self._file, name, number)

    async def drop(self, name: str) -> None:
        await self._on_disk(shutil.rmtree, self._root / name, ignore_errors=True)

    async def names(self, *, older_than_s: float = 0) -> Collection[str]:
        return await self._on_disk(self._names, time.time() - older_than_s)

    async def clear_unfinished(self) -> int:
        return await self._on_disk(self._clear)

    async def waiting(self) -> Waiting:
        return await self._on_disk(self._waiting)

    @staticmethod
    async def _on_disk(act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await asyncio.to_thread(act, *args, **kwargs)
        except OSError as exc:
            raise TryLater(f"held deliveries: {exc.strerror or type(exc).__name__}") from exc

    def _keep(self, name: str, delivery: Delivery, files: Sequence[DerivedFile]) -> bool:
        more_bytes = sum(len(file.data) for file in files)
        if not self._has_room(more_bytes):
            return False
        part = self._root / f"{secrets.token_hex(16)}{_UNFINISHED}"
        part.mkdir(mode=0o700)
        try:
            _write(part, delivery, files)
            part.rename(self._root / name)
        except OSError as exc:
            # A twin has kept it, perhaps with another signature: that one is as good.
            if exc.errno not in _THERE_ALREADY:
                raise
        finally:
            shutil.rmtree(part, ignore_errors=True)
        return True

    def _has_room(self, more_bytes: int) -> bool:
        fits = self._size_bytes() + more_bytes <= self._limit_bytes
        return fits and shutil.disk_usage(self._root).free - more_bytes >= self._reserve_bytes

    def _size_bytes(self) -> int:
        return sum(_size_bytes(folder) for folder in self._folders())

    def _waiting(self) -> Waiting:
        size_bytes = self._size_bytes()
        is_full = size_bytes >= self._limit_bytes or not self._has_room(0)
        return Waiting(len(list(self._folders())), size_bytes, is_full)

    def _note(self, name: str) -> _Note | None:
        try:
            return _Note.model_validate_json((self._root / name / _NOTE).read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def _file(self, name: str, number: int) -> DerivedFile:
        note = self._note(name)
        if note is None:
            raise ObjectMissing(name)
        file = note.files[number]
        try:
            data = (self._root / name / str(number)).read_bytes()
        except FileNotFoundError:
            raise ObjectMissing(name) from None
        if hashlib.sha256(data).hexdigest() != file.sha256:
            raise ObjectMissing(name)
        return DerivedFile(file.area, file.key, data, file.media_type)

    def _names(self, limit: float) -> set[str]:
        return {folder.name for folder in self._folders() if _made_at(folder) <= limit}

    def _clear(self) -> int:
        limit = time.time() - _DEAD_AFTER_S
        parts = list(self._root.glob(f"*{_UNFINISHED}"))
        dead = [part for part in parts if _made_at(part) < limit]
        for part in dead:
            shutil.rmtree(part, ignore_errors=True)
        return len(dead)

    def _folders(self) -> Iterator[Path]:
        return (folder for folder in self._root.iterdir() if folder.suffix != _UNFINISHED)


def _write(folder: Path, delivery: Delivery, files: Sequence[DerivedFile]) -> None:
    for number, file in enumerate(files):
        (folder / str(number)).write_bytes(file.data)
    note = _Note(delivery=delivery, files=tuple(_noted(file) for file in files))
    (folder / _NOTE).write_text(note.model_dump_json())


def _noted(file: DerivedFile) -> _File:
    return _File(
        area=file.area,
        key=file.key,
        sha256=hashlib.sha256(file.data).hexdigest(),
        media_type=file.media_type,
    )


def _size_bytes(folder: Path) -> int:
    with contextlib.suppress(FileNotFoundError):
        return sum(file.stat().st_size for file in folder.iterdir())
    return 0


def _made_at(folder: Path) -> float:
    with contextlib.suppress(FileNotFoundError):
        return folder.stat().st_mtime
    return 0.0
