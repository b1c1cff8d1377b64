"""Delivered objects in a local directory, as storage lays them out."""

import base64
import hashlib
import re
import stat
from pathlib import Path

from services.gateway.ports import FoundFile

_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
_MAX_KEY = 512
_MEDIA_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".mp4": "video/mp4",
}


class ObjectDirectory:
    """Finds files by key and nothing else: no parents, no hidden files, no links, no listings."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def public(self, key: str) -> FoundFile | None:
        return self._find("public", key)

    def private(self, key: str) -> FoundFile | None:
        return self._find("private", key)

    def held(self, key: str) -> FoundFile | None:
        return self._find("review", key)

    def data_url(self, found: FoundFile) -> str:
        encoded = base64.b64encode(found.path.read_bytes()).decode("ascii")
        return f"data:{found.media_type};base64,{encoded}"

    def _find(self, area: str, key: str) -> FoundFile | None:
        if len(key) > _MAX_KEY or not _KEY.fullmatch(key):
            return None
        try:
            base = (self._root / area).resolve(strict=True)
            path = base / key
            # A link anywhere below the area makes these differ.
            if path.resolve(strict=True) != path:
                return None
            status = path.lstat()
        except OSError:
            return None
        if not stat.S_ISREG(status.st_mode):
            return None
        return FoundFile(
            path=path,
            size=status.st_size,
            media_type=_MEDIA_TYPES.get(path.suffix.lower(), "application/octet-stream"),
            etag=_etag(key, status.st_mtime_ns, status.st_size),
        )


def _etag(key: str, changed_ns: int, size: int) -> str:
    content = f"{key} {changed_ns} {size}".encode()
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'
