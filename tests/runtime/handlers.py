"""Handlers that do what a test needs."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from shared.events import Fact, ImageGenerated
from tests.runtime.pipeline import hooked


@dataclass
class Recorder:
    """Answers at once, and remembers whom it saw and when."""

    seen: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    async def __call__(self, event: ImageGenerated) -> Fact | None:
        self.seen.append(event.piece_id)
        self.times.append(time.monotonic())
        return await self.outcome(event)

    async def outcome(self, event: ImageGenerated) -> Fact | None:
        return hooked(event)

    @property
    def counts(self) -> Counter[str]:
        return Counter(self.seen)


@dataclass
class Failing(Recorder):
    """Raises `error()` the first `times_failing` times, then answers."""

    error: Callable[[], BaseException] = ValueError
    times_failing: int = 10**9

    async def outcome(self, event: ImageGenerated) -> Fact | None:
        if len(self.seen) <= self.times_failing:
            raise self.error()
        return hooked(event)


@dataclass
class Taking(Recorder):
    """Takes `seconds` for each piece, and knows how many it had in hand at most."""

    seconds: float = 0.05
    slow: dict[str, float] = field(default_factory=dict)
    in_hand: int = 0
    most_in_hand: int = 0

    async def outcome(self, event: ImageGenerated) -> Fact | None:
        self.in_hand += 1
        self.most_in_hand = max(self.most_in_hand, self.in_hand)
        try:
            await asyncio.sleep(self.slow.get(event.piece_id, self.seconds))
        finally:
            self.in_hand -= 1
        return hooked(event)


@dataclass
class Held(Recorder):
    """Keeps every piece until `release` is set."""

    release: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: int = 0

    async def outcome(self, event: ImageGenerated) -> Fact | None:
        try:
            await self.release.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return hooked(event)
