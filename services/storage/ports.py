"""What storage needs from the outside."""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeVar

from shared.calls import Piece, PieceRef, UploadReceipt
from shared.content import Delivery
from shared.provenance import Provenance

T = TypeVar("T")


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


@dataclass(frozen=True, slots=True)
class Found:
    """A file in the store, by its area and key."""

    area: Area
    key: str


@dataclass(frozen=True, slots=True)
class DerivedFile:
    """A file of a delivery, as the store shall have it."""

    area: Area
    key: str
    data: bytes
    media_type: str


class ObjectStore(Protocol):
    """Where delivered files are kept."""

    async def create(self, area: Area, key: str, data: bytes, *, media_type: str) -> None:
        """Keep `data`, never over other bytes; the same bytes again are fine.

        Raises TryLater, or GiveUp(object_exists) where other bytes have the key.
        """
        ...

    async def create_all(self, files: Sequence[DerivedFile]) -> None:
        """Create one after the other: who finds the last finds them all. Raises as `create`."""
        ...

    async def read(self, area: Area, key: str) -> bytes:
        """The whole object. Raises ObjectMissing, TryLater."""
        ...

    async def delete(self, key: str) -> None:
        """Remove the object from every area; a missing one is fine. Raises TryLater."""
        ...

    async def delete_from(self, area: Area, key: str) -> None:
        """Remove the object from one area; a missing one is fine. Raises TryLater."""
        ...

    async def keys(self, prefix: str) -> Collection[str]:
        """Keys in any area that begin so; `prefix` names their whole folder. Raises TryLater."""
        ...

    def old_files(self, prefix: str, *, older_than_s: float) -> AsyncIterator[Sequence[Found]]:
        """Page by page, files of any area whose keys begin so, unchanged for so long.

        `prefix` is a folder; what lies in its folders counts as well. Raises TryLater.
        """
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
class HeldDelivery:
    """A delivery whose files wait on this machine; they are read one by one."""

    delivery: Delivery
    files: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits on this machine to be uploaded."""

    deliveries: int
    size_bytes: int
    is_full: bool


class HeldDeliveries(Protocol):
    """Derived files that wait on this machine while the store is away. Nothing here is served."""

    async def keep(self, name: str, delivery: Delivery, files: Sequence[DerivedFile]) -> bool:
        """Keep them all or, where the room for it is spent, none: False. Raises TryLater."""
        ...

    async def find(self, name: str) -> HeldDelivery | None:
        """What waits under this name. Raises TryLater."""
        ...

    async def file(self, name: str, number: int) -> DerivedFile:
        """One of its files, as it was kept. Raises ObjectMissing, TryLater."""
        ...

    async def drop(self, name: str) -> None:
        """Forget it; forgetting twice is fine. Raises TryLater."""
        ...

    async def names(self, *, older_than_s: float = 0) -> Collection[str]:
        """What waits, and has waited for so long. Raises TryLater."""
        ...

    async def clear_unfinished(self) -> int:
        """Remove what is left of writing that was cut off; how many. Raises TryLater."""
        ...

    async def waiting(self) -> Waiting:
        """How much it is. Raises TryLater."""
        ...


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded image's facts and its thumbnail, which is a JPEG."""

    media_type: str
    extension: str
    width: int
    height: int
    thumbnail_jpeg: bytes


@dataclass(frozen=True, slots=True)
class Encoded:
    """An encoded image."""

    data: bytes
    media_type: str
    extension: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Copies:
    """What is delivered of an image: its pixels in sRGB, encoded anew, and nothing else of it."""

    image: Encoded
    thumbnail: Encoded
    source_media_type: str
    source_extension: str


class Ended(Protocol):
    """Who knows how pieces stand."""

    async def __call__(self, piece_ids: Collection[str]) -> Collection[str]:
        """Those that have ended for good. Raises TryLater."""
        ...


@dataclass(frozen=True, slots=True)
class Strays:
    """What is to be done about files. `unowned` are keys that no piece has nor will have.

    `elsewhere` are copies of what their pieces have in another area, `unfinished` pieces whose
    upload was cut off after its copies were made.
    """

    unowned: Collection[str] = ()
    elsewhere: Collection[Found] = ()
    unfinished: Collection[PieceRef] = ()


class Unowned(Protocol):
    """Who knows which files belong to pieces."""

    async def __call__(self, files: Collection[Found]) -> Strays:
        """What is wrong with these files. Raises TryLater."""
        ...


class UploadBook(Protocol):
    """Where uploads are allowed and recorded. Both raise Problem for refusals, and TryLater."""

    async def receipt(self, piece: PieceRef) -> UploadReceipt:
        """What a finished piece was delivered by."""
        ...

    async def record(self, piece: PieceRef, *, url: str, public: bool) -> Piece:
        """Have it shown from there; the piece as it is on record now."""
        ...


class Imaging(Protocol):
    """Looks at pixels, away from the event loop.

    Both give up (`invalid_image`) what is not an image, is too large, has more than one frame, is
    partly transparent, or has pixels that readers make different colours of.
    """

    async def look(self, image: bytes) -> Picture:
        """Decode an image and draw its thumbnail. Raises GiveUp."""
        ...

    async def derive(self, image: bytes, finish: Callable[[Copies], T]) -> T:
        """Decode an image, draw what is delivered of it, and have that finished in the same thread.

        Raises GiveUp, and what `finish` raises.
        """
        ...

    async def look_alike(self, one: bytes, other: bytes) -> bool:
        """Whether two images show the same, in the same size."""
        ...


class Credentials(Protocol):
    """Signs what is delivered, and reads what was signed."""

    def sign(self, image: Encoded, provenance: Provenance) -> bytes:
        """The same image with content credentials that were verified.

        It takes a while: for threads, several of them at a time. Raises TryLater.
        """
        ...

    async def read(self, data: bytes, media_type: str) -> Provenance | None:
        """What a file's credentials tell; None unless they are intact and an Atelier's.

        Away from the event loop.
        """
        ...
