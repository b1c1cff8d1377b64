"""Carry the outbox to the broker."""

from dataclasses import dataclass

from services.ledger.ports import Outbox
from shared.factlog import FactLog
from shared.outcomes import TryLater


@dataclass(frozen=True, slots=True)
class RelayOutbox:
    """One round publishes what waits, oldest first."""

    outbox: Outbox
    facts: FactLog

    async def __call__(self) -> None:
        """Go on until nothing is left. Raises TryLater when some of it could not be published."""
        while True:
            published = await self.outbox.publish_some(self.facts.write)
            if published.written < published.taken:
                raise TryLater(f"{published.taken - published.written} facts not published")
            if not published.more:
                return
