"""Choices that depend on nothing but a key and the choice's own name."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Dice:
    """The same key and name always fall the same way, in any order, process or Python version.

    Because every choice has a name, adding one later changes none of the others.
    """

    key: str

    def unit(self, name: str) -> float:
        """A number in [0, 1)."""
        digest = blake2b(f"{self.key}\x1f{name}".encode(), digest_size=6).digest()
        return int.from_bytes(digest) / (1 << 48)

    def between(self, name: str, low: float, high: float) -> float:
        """A number in [low, high)."""
        return low + (high - low) * self.unit(name)

    def pick(self, name: str, items: Sequence[Item]) -> Item:
        """One of the items, each as likely as the others."""
        return items[int(self.unit(name) * len(items))]

    def chance(self, name: str, probability: float) -> bool:
        """True with the given probability."""
        return self.unit(name) < probability
