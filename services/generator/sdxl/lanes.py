"""Who waits, and in which order they take their seats."""

from collections.abc import Iterator
from itertools import islice
from typing import Generic, Protocol, TypeVar

from shared.content import Lane

BULK_EVERY = 4
"""While both lanes wait, at least one seat in so many goes to bulk."""


class Queued(Protocol):
    """Whoever waits in a lane."""

    @property
    def lane(self) -> Lane:
        """Its lane."""
        ...


Waiter = TypeVar("Waiter", bound=Queued)


class Line(Generic[Waiter]):
    """Interactive before bulk, each in its order; bulk never waits for ever."""

    def __init__(self) -> None:
        self._lanes: dict[Lane, list[Waiter]] = {lane: [] for lane in Lane}
        self._passed = 0

    def add(self, waiter: Waiter, *, first: bool = False) -> None:
        """At the end of its lane, or at its head."""
        lane = self._lanes[waiter.lane]
        lane.insert(0 if first else len(lane), waiter)

    def leave(self, waiter: Waiter) -> None:
        """Without a seat."""
        self._lanes[waiter.lane].remove(waiter)

    def seat(self, waiter: Waiter) -> None:
        """With a seat."""
        self.leave(waiter)
        bulk_waits = bool(self._lanes[Lane.BULK])
        passed_bulk = waiter.lane is Lane.INTERACTIVE and bulk_waits
        self._passed = self._passed + 1 if passed_bulk else 0

    def __len__(self) -> int:
        return sum(map(len, self._lanes.values()))

    def __iter__(self) -> Iterator[Waiter]:
        return iter(list(self._ordered()))

    def _ordered(self) -> Iterator[Waiter]:
        interactive, bulk = iter(self._lanes[Lane.INTERACTIVE]), iter(self._lanes[Lane.BULK])
        passed = self._passed
        for waiter in interactive:
            if passed >= BULK_EVERY - 1:
                yield from islice(bulk, 1)
                passed = 0
            yield waiter
            passed += 1
        yield from bulk
