"""What storage needs from the outside."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Area(StrEnum):
    """Who may read an object."""

    PUBLIC = "public"
    """Anybody who knows the key."""
    PRIVATE = "private"
    """Whoever holds a signed link."""
    REVIEW = "review"
    """Nobody outside; it waits for a person's decision."""


class ObjectMissing(Exception):
    """No object has this key in this area."""


class ObjectStore(Protocol):
    """Where delivered files are kept."""

    async def create(self, area: Area, key: str, data: bytes, *, media_type: str) -> None:
        """Keep `data`, never over other bytes; the same bytes again are fine. Raises TryLater."""
        ...

    async def read(self, area: Area, key: str) -> bytes:
        """The whole object. Raises ObjectMissing, TryLater."""
        ...

    async def delete(self, key: str) -> None:
        """Remove the object from every area; a missing one is fine. Raises TryLater."""
        ...

    async def keys(self, prefix: str) -> Collection[str]:
        """Keys in any area that begin so; `prefix` names their whole folder. Raises TryLater."""
        ...

    def link(self, area: Area, key: str) -> str:
        """Where the object lies, without a signature."""
        ...

    async def sign(self, key: str, *, expires_s: int, in_review: bool = False) -> str:
        """A link that opens a private object, or a held one, for a while. It is a secret."""
        ...

    async def clear_unfinished(self) -> int:
        """Remove what is left of files whose writing was cut off; how many. Raises TryLater."""
        ...

    async def free_bytes(self) -> int | None:
        """Room that is left, where the store can tell. Raises TryLater when it is away."""
        ...


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded image's facts and its thumbnail."""

    media_type: str
    extension: str
    width: int
    height: int
    thumbnail_jpeg: bytes


class Ended(Protocol):
    """Who knows how pieces stand."""

    async def __call__(self, piece_ids: Collection[str]) -> Collection[str]:
        """Those that have ended for good. Raises TryLater."""
        ...


class Imaging(Protocol):
    """Looks at pixels, away from the event loop."""

    async def look(self, image: bytes) -> Picture:
        """Decode an image and draw its thumbnail. Raises GiveUp for what is not an image."""
        ...
