"""A provider with everything that governs calls to it."""

import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from services.generator.domain.failures import (
    CODES,
    Blame,
    ProviderFailure,
    RetryPolicy,
    blame_for,
)
from services.generator.domain.retry_budget import RetryBudget
from services.generator.domain.strategy import Candidate
from services.generator.domain.track import Track
from services.generator.handler.slots import Slots
from services.generator.ports import CallTerms, Provider
from shared.breaker import Admission, Breaker

_PRICED_PX = 1024


class RouteClosed(Exception):
    """The provider has failed too often of late; `wait_s` until it may be tried again."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"closed for {wait_s:.0f} s")
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class Limits:
    """How hard a provider is used.

    `concurrency` calls at a time from this replica, `most_everywhere` from all of them.
    `is_last`: when it fails, nobody else is asked. `lease_s` is for calls that end with this
    process: after so long without a sign of life another one may make them anew.
    """

    concurrency: int
    most_everywhere: int | None = None
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    is_last: bool = False
    lease_s: float | None = None


class Route:
    """The way to one provider: its slots, its breaker, its retries, and what was measured."""

    def __init__(
        self,
        provider: Provider,
        limits: Limits,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.provider = provider
        self.limits = limits
        self.slots = Slots(limits.concurrency)
        self.breaker = Breaker(clock)
        self.retries = RetryBudget()
        self.track = Track(clock)
        self.outcomes: Counter[str] = Counter()
        self._clock = clock
        self._rests_until = float("-inf")

    @property
    def name(self) -> str:
        """The provider's."""
        return self.provider.name

    @property
    def rest_s(self) -> float:
        """Seconds for which the provider has asked everybody to stay away."""
        return max(0.0, self._rests_until - self._clock())

    @property
    def price_usd_micros(self) -> int:
        """What an image is expected to cost."""
        return self.provider.price.of_image(_PRICED_PX, _PRICED_PX)

    def terms(self, limit_s: float) -> CallTerms:
        """What the ledger is told about a call that takes `limit_s` seconds at most."""
        return CallTerms(self.name, limit_s, self.limits.most_everywhere, self.limits.lease_s)

    def candidate(self) -> Candidate:
        """How it stands when providers are put in order."""
        return Candidate(
            self.name,
            self.price_usd_micros,
            self.track.measured,
            self.provider.keeps_likeness,
            self.slots.rounds,
        )

    @asynccontextmanager
    async def admitted(self, *, first: bool) -> AsyncIterator[Admission]:
        """Hold a slot, with leave for one call. Raises RouteClosed at once."""
        self._look_at_breaker()
        async with self.slots.taken(first=first):
            # While we waited others may have found out.
            admission = self.breaker.admit()
            if admission is None:
                raise RouteClosed(self.breaker.wait_s)
            try:
                yield admission
            finally:
                # Nothing, if it was told before.
                admission.dropped()

    def _look_at_breaker(self) -> None:
        if (wait_s := self.breaker.wait_s) > 0:
            raise RouteClosed(wait_s)

    def succeeded(self, admission: Admission, duration_s: float) -> None:
        """An image came."""
        self.outcomes["succeeded"] += 1
        admission.succeeded()
        self.track.succeeded(duration_s)

    def failed(self, admission: Admission, failure: ProviderFailure) -> None:
        """None came; whose fault that is decides what it counts for."""
        # A vendor does not name our figures.
        self.outcomes[failure.code.lower() if failure.code in CODES else "other"] += 1
        match blame_for(failure.code):
            case Blame.PROVIDER:
                admission.failed()
                self.track.failed()
            case Blame.CALLER:
                admission.succeeded()
            case Blame.NOBODY:
                admission.dropped()
                rest_s = self.limits.policy.rest_s(failure.retry_after_s)
                self._rests_until = max(self._rests_until, self._clock() + rest_s)
