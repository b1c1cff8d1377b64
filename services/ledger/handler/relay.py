"""Carry the outbox to the broker."""

from dataclasses import dataclass

from services.ledger.ports import Outbox
from shared.factlog import FactLog
from shared.outcomes import TryLater


@dataclass(frozen=True, slots=True)
class RelayFresh:
    """One round publishes what this process has just committed."""

    outbox: Outbox
    facts: FactLog

    async def __call__(self) -> None:
        await self.outbox.publish_fresh(self.facts.write)


@dataclass(frozen=True, slots=True)
class RelayLeft:
    """One round publishes what has been waiting, oldest first: nobody may be about to do it."""

    outbox: Outbox
    facts: FactLog
    older_than_s: float = 0.0

    async def __call__(self) -> None:
        """Go on until nothing is left. Raises TryLater when some of it could not be published."""
        while True:
            published = await self.outbox.publish_some(
                self.facts.write, older_than_s=self.older_than_s
            )
            if published.written < published.taken:
                raise TryLater(f"{published.taken - published.written} facts not published")
            if not published.more:
                return


@dataclass(frozen=True, slots=True)
class ForgetPublished:
    """One round forgets what was published from here since the last."""

    outbox: Outbox

    async def __call__(self) -> None:
        await self.outbox.forget_published()
