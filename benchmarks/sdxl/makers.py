"""Whoever makes images for avatars, and what it is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

LORA_SCALE = 0.9


@dataclass(frozen=True, slots=True)
class Order:
    """An image of an avatar; its number is its seed, and its prompt is like no other's."""

    number: int
    avatar: int

    @property
    def prompt(self) -> str:
        """What it shall show."""
        return f"portrait of a woman by the sea, soft light, number {self.number}"


class Maker(Protocol):
    """Makes encoded images."""

    @property
    def name(self) -> str:
        """As in the report."""
        ...

    async def images(self, orders: Sequence[Order]) -> None:
        """Make all of these; they were handed in at the same moment."""
        ...
