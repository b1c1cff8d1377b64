"""Objects in a local directory: `public/`, `private/` and `review/` below one root.

The gateway serves the first to anybody, the second to holders of a signed link, the third never.
"""

import asyncio
import contextlib
import os
import secrets
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar
from urllib.parse import quote

from services.storage.ports import Area
from shared import links
from shared.outcomes import GiveUp, TryLater

# Whoever deletes the last file of a folder takes the folder along.
_FOLDER_TRIES = 10

P = ParamSpec("P")
T = TypeVar("T")


class LocalDirectory:
    """Create-only files, each complete or absent."""

    def __init__(self, root: Path, *, base_url: str, signing_key: bytes) -> None:
        self._root = root
        self._base_url = base_url.rstrip("/")
        self._signing_key = signing_key

    async def create(self, area: Area, key: str, data: bytes, *, media_type: str) -> None:
        del media_type  # a directory has nowhere to keep it; the key's extension tells
        await self._on_disk(self._create, self._root / area / key, data)

    async def delete(self, key: str) -> None:
        for area in Area:
            await self._on_disk(self._delete, self._root / area / key)

    def link(self, area: Area, key: str) -> str:
        if area is Area.REVIEW:
            return f"review:{key}"
        return f"{self._base_url}/{quote(key)}"

    async def sign(self, key: str, *, expires_s: int) -> str:
        return links.sign(self._signing_key, self._base_url, key, int(time.time()) + expires_s)

    async def free_bytes(self) -> int | None:
        return (await self._on_disk(shutil.disk_usage, self._root)).free

    def open(self) -> None:
        """Make the areas. Raises OSError when the directory cannot be written."""
        for area in Area:
            (self._root / area).mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = self._root / f".probe-{secrets.token_hex(8)}"
        probe.touch()
        probe.unlink()

    @staticmethod
    async def _on_disk(act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await asyncio.to_thread(act, *args, **kwargs)
        except OSError as exc:
            raise TryLater(f"object directory: {exc.strerror or type(exc).__name__}") from exc

    @staticmethod
    def _create(path: Path, data: bytes) -> None:
        if path.exists():
            if path.read_bytes() != data:
                raise GiveUp("object_exists", "another object has this key")
            return
        part = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
        descriptor = _open_new(part)
        try:
            try:
                _write_all(descriptor, data)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise

    @staticmethod
    def _delete(path: Path) -> None:
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            path.parent.rmdir()  # the avatar's folder, once its last file is gone


def _open_new(path: Path) -> int:
    """A new file; its folder is made at need, also when it vanishes under our hands."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    for _ in range(_FOLDER_TRIES):
        try:
            return os.open(path, flags, mode=0o666)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, flags, mode=0o666)


def _write_all(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]
