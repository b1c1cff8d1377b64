"""Costs: each provider call is counted once."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from shared.events import AttemptSettled


@dataclass(frozen=True, slots=True)
class RecordAttempts:
    """Records how calls ended and what they cost."""

    settle: Callable[[AttemptSettled], Awaitable[None]]

    async def __call__(self, event: AttemptSettled) -> None:
        await self.settle(event)
