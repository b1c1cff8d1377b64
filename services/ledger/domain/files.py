"""Whose a file in the store of objects is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Owner:
    """The piece that a file is named after. `object_key` is that of what may be shown of it."""

    has_ended: bool
    object_key: str | None = None

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
