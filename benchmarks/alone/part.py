"""What a service needs beside it to be measured alone."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AsyncExitStack

from benchmarks.alone.place import Place
from shared.events import Fact

SEED = "5e" * 32
"""Signs verdicts in benchmarks."""


class Part(ABC):
    """A service with its neighbours, once. `name` is as tables have it."""

    service: str
    ends: type[Fact]
    """What comes of each piece."""
    pieces: int = 100
    """Fed unless somebody says how many."""
    together: int = 10
    """Pieces of one feeding."""

    def __init__(self, name: str) -> None:
        self.name = name

    @abstractmethod
    async def open(self, place: Place, stack: AsyncExitStack) -> Mapping[str, str]:
        """Set up what it needs, before its process starts, and give its settings."""

    @abstractmethod
    async def feed(self, first: int, count: int) -> None:
        """Give it pieces with the numbers from `first` on."""

    async def ended(self, fact: bytes) -> None:
        """Clear away what a piece has left."""
        del fact

    def besides(self) -> Mapping[str, int]:
        """Process ids of servers that work for it alone, by name."""
        return {}

    def notes(self) -> tuple[str, ...]:
        """What a reader of its figures has to know."""
        return ()
