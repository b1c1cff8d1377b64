"""Files in the store of objects, and whose they are."""

from pydantic import Field

from shared.content import SubjectToken, Value
from shared.rpc import Call


class ListedFile(Value):
    """A delivered or held file: who asks has found it in the store, and knows nothing more."""

    piece_id: SubjectToken
    key: str = Field(max_length=512)


class FindUnowned(Value):
    """Ask which of these files no piece has, nor can come to have."""

    files: tuple[ListedFile, ...] = Field(max_length=500)


class UnownedFiles(Value):
    """The keys of those."""

    keys: tuple[str, ...]


FIND_UNOWNED = Call("ledger.file.unowned", FindUnowned, UnownedFiles)
