"""Whose a file in the store of objects is."""

from dataclasses import dataclass
from enum import StrEnum

from shared.calls import FileArea

_ORIGINAL = "_original."
"""In the names of judged bytes that are kept beside a delivery, always in private."""


class Belonging(StrEnum):
    """What a file is to the piece that it is named after."""

    OWNED = "owned"
    UNOWNED = "unowned"
    ELSEWHERE = "elsewhere"
    """A copy of what the piece has in another area."""
    UNFINISHED = "unfinished"
    """The public copy of a piece whose upload was never recorded."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The piece that a file is named after. `object_key` is that of what may be shown of it."""

    has_ended: bool
    object_key: str | None = None
    public: bool = False
    uploaded: bool = True

    def belonging(self, key: str, area: FileArea | None) -> Belonging:
        """What a file is to this piece, or may come to be. Without an area its name alone counts.

        An upload makes the public copy first. What is recorded as public stays so until all files
        go, so that the other copy is never needed again.
        """
        if not self.has(key):
            return Belonging.UNOWNED
        if not self.has_ended:
            return Belonging.OWNED
        if area is FileArea.PUBLIC and not self.public:
            return Belonging.ELSEWHERE if self.uploaded else Belonging.UNFINISHED
        if area is FileArea.PRIVATE and self.public and _ORIGINAL not in key:
            return Belonging.ELSEWHERE
        return Belonging.OWNED

    def has(self, key: str) -> bool:
        """Whether a file is the piece's, or may come to be.

        Of a piece that has ended, those are its delivery and what lies beside it under its name.
        """
        if not self.has_ended:
            return True
        if self.object_key is None:
            return False
        name = self.object_key.rpartition(".")[0]
        return key.startswith((f"{name}.", f"{name}_"))
