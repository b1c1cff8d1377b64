"""The object directory: every file, hashed anew, and what it shows and tells.

`public/` is served to anybody, `private/` to holders of a signed link, `review/` to nobody.
"""

import asyncio
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from tests.audit.pictures import Gallery, Picture
from tests.audit.servers import CannotJudge

AREAS = frozenset({"public", "private", "review"})
NO_PICTURE = Picture(None, None)


@dataclass(frozen=True, slots=True)
class ObjectFile:
    """A file of the directory. `area` is empty for one that lies in none of the three."""

    area: str
    key: str
    sha256: str
    size: int
    changed_at: float
    begins: bytes
    picture: Picture = NO_PICTURE

    @property
    def is_hidden(self) -> bool:
        """Whether it is a file that was not finished: its name begins with a dot."""
        return self.key.rpartition("/")[2].startswith(".")


Objects = tuple[ObjectFile, ...]


async def read_objects(root: Path, gallery: Gallery) -> Objects:
    """Hash every file below `root`, hidden ones included. Raises CannotJudge."""
    return await asyncio.to_thread(_read, root, gallery)


def _read(root: Path, gallery: Gallery) -> Objects:
    if not root.is_dir():
        raise CannotJudge(f"no object directory {root}")
    # A walk passes over folders that are deleted meanwhile.
    paths = sorted(Path(at) / name for at, _, names in os.walk(root) for name in names)
    found = (_file(root, path, gallery) for path in paths)
    return tuple(each for each in found if each is not None)


def _file(root: Path, path: Path, gallery: Gallery) -> ObjectFile | None:
    try:
        data = path.read_bytes()
        status = path.stat()
    except FileNotFoundError:
        return None  # deleted since it was listed
    area, _, key = path.relative_to(root).as_posix().partition("/")
    known = area in AREAS
    sha256 = hashlib.sha256(data).hexdigest()
    return ObjectFile(
        area=area if known else "",
        key=key if known else path.relative_to(root).as_posix(),
        sha256=sha256,
        size=len(data),
        changed_at=status.st_mtime,
        begins=data[:8],
        picture=gallery.picture(data, sha256),
    )
