"""How long pieces wait while no provider may be called."""

import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from shared.content import Lane
from shared.events import ContentRequested
from shared.factlog import utc_now

_LOOK_AGAIN_S = 10.0
_TIME_TO_END = timedelta(seconds=30)


class Outage:
    """Batches wait `patience_s` seconds from when it began; a caller who waits does not."""

    def __init__(
        self,
        patience_s: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._patience_s = patience_s
        self._clock = clock
        self._now = now
        self._since: float | None = None

    def is_over(self) -> None:
        """An image was made."""
        self._since = None

    def wait_s(self, event: ContentRequested, until_open_s: float) -> float | None:
        """Seconds until it is worth asking again, or None: wait no longer."""
        if self._since is None:
            self._since = self._clock()
        is_late = self._now() + _TIME_TO_END >= event.deadline_at
        is_over_long = self._clock() - self._since >= self._patience_s
        if event.lane is Lane.INTERACTIVE or is_late or is_over_long:
            return None
        # Spread: they do not come back all at once.
        jitter = random.random()  # noqa: S311 - guards nothing
        return min(until_open_s, _LOOK_AGAIN_S) + jitter * _LOOK_AGAIN_S / 2
