"""A log of facts in memory."""

import asyncio

from shared import wire
from shared.events import Fact
from shared.outcomes import TryLater


class FactsInMemory:
    """A log of facts that can be away, and that may die after it has written."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.refused: set[str] = set()
        self.gate = asyncio.Event()
        self.gate.set()

    async def write(self, fact: Fact) -> bool:
        await self.gate.wait()
        key = wire.event_id(fact)
        if key in self.refused:
            raise TryLater("the broker is away")
        first = key not in self.written
        self.written.append(key)
        return first

    async def holds(self, fact: type[Fact], tokens: tuple[str, ...]) -> bool:
        return "/".join((fact.NAME, *tokens)) in self.written
