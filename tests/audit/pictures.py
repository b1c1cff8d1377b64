"""What files show and tell, and the images that a provider gave, looked at once each."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.audit.credentials import Credentials, credentials_in
from tests.audit.looks import Look, look_at
from tests.audit.servers import CannotJudge

IMAGES = "images"


@dataclass(frozen=True, slots=True)
class Picture:
    """What a file shows, and what it tells of itself."""

    look: Look | None
    credentials: Credentials | None


@dataclass(slots=True)
class Gallery:
    """Remembers pictures by their sha256: a run is looked at more than once."""

    _known: dict[str, Picture] = field(default_factory=dict)

    def picture(self, data: bytes, sha256: str) -> Picture:
        """Of these bytes, which have this sha256."""
        if sha256 not in self._known:
            self._known[sha256] = Picture(look_at(data), credentials_in(data))
        return self._known[sha256]


async def read_given(evidence: Path, gallery: Gallery) -> Mapping[str, Look]:
    """What the provider's images show, by sha256; only those that show something.

    Raises CannotJudge for a file that is not what its name says.
    """
    return await asyncio.to_thread(_read, evidence / IMAGES, gallery)


def _read(directory: Path, gallery: Gallery) -> Mapping[str, Look]:
    found: dict[str, Look] = {}
    for path in sorted(directory.glob("*")):
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != path.name:
            raise CannotJudge(f"{path}: not the image of this sha256")
        look = gallery.picture(data, path.name).look
        if look is not None:
            found[path.name] = look
    return found
