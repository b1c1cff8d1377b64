"""A model, and whether it may be asked now."""

import random
import time
from collections import Counter
from collections.abc import Callable

import structlog

from services.hooks.domain.failures import CopyFailure, rest_s
from services.hooks.ports import CaptionModel
from shared.breaker import Admission, Breaker

log = structlog.get_logger(__name__)


class Writer:
    """Left alone for a minute after five failures in a row, and while it asks for patience.

    `ended` counts this process's calls by how they ended.
    """

    def __init__(self, model: CaptionModel, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.model = model
        self.breaker = Breaker(clock)
        self.ended: Counter[str] = Counter()
        self._clock = clock
        self._rests_until = 0.0
        self._busy_in_a_row = 0

    @property
    def name(self) -> str:
        """As in settings and records."""
        return self.model.name

    @property
    def rest_s(self) -> float:
        """Seconds for which it asked to be left alone."""
        return max(0.0, self._rests_until - self._clock())

    @property
    def may_be_asked(self) -> bool:
        """Whether a call might go through now."""
        return self.rest_s == 0 and self.breaker.wait_s == 0

    def admit(self) -> Admission | None:
        """Leave to make one call, or None: not now."""
        return None if self.rest_s > 0 else self.breaker.admit()

    def succeeded(self, admission: Admission) -> None:
        """It answered, of use or not."""
        admission.succeeded()
        self._busy_in_a_row = 0
        self.ended["succeeded"] += 1

    def failed(self, admission: Admission, failure: CopyFailure) -> None:
        """It gave no captions."""
        if failure.counts_against:
            admission.failed()
        elif failure.is_busy:
            admission.dropped()
        else:
            admission.succeeded()
        self._busy_in_a_row = self._busy_in_a_row + 1 if failure.is_busy else 0
        if failure.is_busy:
            jitter = random.random()  # noqa: S311 - spreads, guards nothing
            rest = rest_s(failure, self._busy_in_a_row, jitter=jitter)
            self._rests_until = max(self._rests_until, self._clock() + rest)
        self.ended[failure.code] += 1
        log.warning(
            "copywriter.failed", copywriter=self.name, code=failure.code, detail=failure.detail
        )
