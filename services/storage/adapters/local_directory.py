"""Objects in a local directory: `public/`, `private/` and `review/` below one root.

The gateway serves the first to anybody, the second to holders of a signed link, the third only to
holders of a link that was signed for reviewers.
"""

import asyncio
import contextlib
import math
import os
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from pathlib import Path
from typing import ParamSpec, TypeVar
from urllib.parse import quote

from services.storage.adapters import new_file
from services.storage.domain import IN_REVIEW
from services.storage.ports import Area, DerivedFile, Found, ObjectMissing
from shared import links
from shared.outcomes import GiveUp, TryLater

# Nobody writes that long at a file.
_DEAD_AFTER_S = 120.0

P = ParamSpec("P")
T = TypeVar("T")


class LocalDirectory:
    """Create-only files, each complete or absent."""

    def __init__(self, root: Path, *, base_url: str, signing_key: bytes) -> None:
        self._root = root
        self._unfinished = root / ".unfinished"
        self._base_url = base_url.rstrip("/")
        self._signing_key = signing_key

    async def create(self, area: Area, key: str, data: bytes, *, media_type: str) -> None:
        await self.create_all([DerivedFile(area, key, data, media_type)])

    async def create_all(self, files: Sequence[DerivedFile]) -> None:
        await self._on_disk(self._create, files)

    async def read(self, area: Area, key: str) -> bytes:
        return await self._on_disk(self._read, self._root / area / key)

    async def delete(self, key: str) -> None:
        for area in Area:
            await self.delete_from(area, key)

    async def delete_from(self, area: Area, key: str) -> None:
        await self._on_disk(self._delete, self._root / area / key)

    async def keys(self, prefix: str) -> Collection[str]:
        return await self._on_disk(self._keys, prefix)

    async def old_files(
        self, prefix: str, *, older_than_s: float
    ) -> AsyncIterator[Sequence[Found]]:
        limit = time.time() - older_than_s
        for area in Area:
            root = self._root / area
            for folder in await self._on_disk(_folders, root / prefix):
                keys = await self._on_disk(_old_keys, root, folder, limit)
                yield [Found(area, key) for key in keys]

    def link(self, area: Area, key: str) -> str:
        if area is Area.REVIEW:
            return f"{IN_REVIEW}{key}"
        return f"{self._base_url}/{quote(key)}"

    async def sign(self, key: str, *, expires_s: int, in_review: bool = False) -> str:
        expires_at = int(time.time()) + expires_s
        return links.sign(self._signing_key, self._base_url, key, expires_at, in_review=in_review)

    async def free_bytes(self) -> int | None:
        return (await self._on_disk(shutil.disk_usage, self._root)).free

    async def clear_unfinished(self) -> int:
        return await self._on_disk(new_file.clear, self._unfinished, older_than_s=_DEAD_AFTER_S)

    def open(self) -> None:
        """Make the areas. Raises OSError when the directory cannot be written."""
        for path in (self._unfinished, *(self._root / area for area in Area)):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = self._unfinished / secrets.token_hex(8)
        probe.touch()
        probe.unlink()

    @staticmethod
    async def _on_disk(act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await asyncio.to_thread(act, *args, **kwargs)
        except OSError as exc:
            raise TryLater(f"object directory: {exc.strerror or type(exc).__name__}") from exc

    def _create(self, files: Sequence[DerivedFile]) -> None:
        # Media types go nowhere: the extensions of the keys tell them.
        contents = [file.data for file in files]
        with new_file.written(contents, unfinished=self._unfinished) as names:
            for file, name in zip(files, names, strict=True):
                path = self._root / file.area / file.key
                if not name(path):
                    _check_same(path, file.data)

    def _keys(self, prefix: str) -> set[str]:
        folder, _, beginning = prefix.rpartition("/")
        found = set()
        for area in Area:
            with contextlib.suppress(FileNotFoundError):
                names = (path.name for path in (self._root / area / folder).iterdir())
                found |= {f"{folder}/{name}" for name in names if name.startswith(beginning)}
        return found

    @staticmethod
    def _read(path: Path) -> bytes:
        try:
            return path.read_bytes()
        except FileNotFoundError:
            raise ObjectMissing(path.name) from None

    @staticmethod
    def _delete(path: Path) -> None:
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            path.parent.rmdir()  # the avatar's folder, once its last file is gone


def _check_same(path: Path, data: bytes) -> None:
    if path.read_bytes() != data:
        raise GiveUp("object_exists", "another object has this key")


def _folders(top: Path) -> list[Path]:
    return [Path(folder) for folder, _, files in os.walk(top) if files]


def _old_keys(root: Path, folder: Path, limit: float) -> list[str]:
    with contextlib.suppress(FileNotFoundError):
        return [
            Path(entry.path).relative_to(root).as_posix()
            for entry in os.scandir(folder)
            if entry.is_file() and _changed_at(entry) < limit
        ]
    return []


def _changed_at(entry: os.DirEntry[str]) -> float:
    try:
        return entry.stat().st_mtime
    except FileNotFoundError:
        return math.inf
