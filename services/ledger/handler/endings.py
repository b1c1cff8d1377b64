"""Ends of pieces: a delivery is recorded, a halt is final.

What follows is published by the outbox, with the rows it tells of.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from services.ledger.ports import HaltBook
from shared.events import ContentHalted, ContentStored


@dataclass(frozen=True, slots=True)
class PersistPieces:
    """Records deliveries."""

    deliver: Callable[[ContentStored], Awaitable[None]]

    async def __call__(self, event: ContentStored) -> None:
        await self.deliver(event)


@dataclass(frozen=True, slots=True)
class EndHaltedPieces:
    """Ends pieces that cannot go on."""

    book: HaltBook

    async def __call__(self, event: ContentHalted) -> None:
        await self.book.halt(event)
