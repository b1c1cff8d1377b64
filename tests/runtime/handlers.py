"""Handlers that do what a test needs."""

import asyncio
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from shared.events import Fact, ImageGenerated
from tests.runtime.pipeline import hooked


@dataclass
class Recorder:
    """Answers at once, and remembers whom it saw, when, and how many it had in hand at most."""

    seen: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    in_hand: int = 0
    most_in_hand: int = 0

    async def __call__(self, event: ImageGenerated) -> Fact | None:
        self.seen.append(event.piece_id)
        self.times.append(time.monotonic())
        self.in_hand += 1
        self.most_in_hand = max(self.most_in_hand, self.in_hand)
        try:
            return await self.outcome(event)
        finally:
            self.in_hand -= 1

    async def outcome(self, event: ImageGenerated) -> Fact | None:
        return hooked(event)


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
    """Takes `seconds` for each piece."""

    seconds: float = 0.05

    async def outcome(self, event: ImageGenerated) -> Fact | None:
        await asyncio.sleep(self.seconds)
        return hooked(event)


@dataclass
class Allowed(Recorder):
    """Finishes one piece for each that it is allowed."""

    allowance: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    def allow(self, count: int) -> None:
        for _ in range(count):
            self.allowance.release()

    async def outcome(self, event: ImageGenerated) -> Fact | None:
        await self.allowance.acquire()
        return hooked(event)


@dataclass
class Held(Recorder):
    """Keeps every piece, or those that are named, until `release` is set."""

    release: asyncio.Event = field(default_factory=asyncio.Event)
    held: Collection[str] | None = None
    cancelled: int = 0

    async def outcome(self, event: ImageGenerated) -> Fact | None:
        if self.held is not None and event.piece_id not in self.held:
            return hooked(event)
        try:
            await self.release.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return hooked(event)
