"""Ends of pieces: a delivery is recorded, a halt is final."""

from dataclasses import dataclass

from services.ledger.ports import EndingBook
from shared.events import ContentHalted, ContentStored


@dataclass(frozen=True, slots=True)
class PersistPieces:
    """Records deliveries. What follows is published by the outbox, with the rows it tells of."""

    book: EndingBook

    async def __call__(self, event: ContentStored) -> None:
        await self.book.deliver(event)


@dataclass(frozen=True, slots=True)
class EndHaltedPieces:
    """Ends pieces that cannot go on."""

    book: EndingBook

    async def __call__(self, event: ContentHalted) -> None:
        await self.book.halt(event)
