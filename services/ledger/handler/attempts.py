"""Costs: each provider call is counted once."""

from dataclasses import dataclass

from services.ledger.ports import SettlementBook
from shared.events import AttemptSettled


@dataclass(frozen=True, slots=True)
class RecordAttempts:
    """Records how calls ended and what they cost."""

    book: SettlementBook

    async def __call__(self, event: AttemptSettled) -> None:
        await self.book.settle(event)
