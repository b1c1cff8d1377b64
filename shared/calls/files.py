"""Files in the store of objects, and whose they are."""

from enum import StrEnum

from pydantic import Field

from shared.calls.pieces import PieceRef
from shared.content import SubjectToken, Value
from shared.rpc import Call


class FileArea(StrEnum):
    """Where in the store a file lies."""

    PUBLIC = "public"
    PRIVATE = "private"
    REVIEW = "review"


class ListedFile(Value):
    """A delivered or held file: who asks has found it in the store, and knows nothing more."""

    piece_id: SubjectToken
    key: str = Field(max_length=512)
    area: FileArea | None = None


class FindUnowned(Value):
    """Ask which of these files no piece has, nor can come to have."""

    files: tuple[ListedFile, ...] = Field(max_length=500)


class UnownedFiles(Value):
    """The keys of those; of files that are a piece's, what is to be done about some."""

    keys: tuple[str, ...]
    elsewhere: tuple[ListedFile, ...] = Field(
        default=(), description="copies of what the piece has in another area"
    )
    unfinished: tuple[PieceRef, ...] = Field(
        default=(), description="pieces that have a public copy, and are not on record as uploaded"
    )


FIND_UNOWNED = Call("ledger.file.unowned", FindUnowned, UnownedFiles)
