"""A circuit breaker: who fails again and again is left alone for a while, then tried once.

Pure: it asks a clock that it is given, waits for nothing and knows no vendor.
"""

from collections.abc import Callable
from enum import StrEnum

FAILURES = 5
PAUSE_S = 60.0


class State(StrEnum):
    """Whether calls go through."""

    CLOSED = "closed"
    """All of them."""
    OPEN = "open"
    """None."""
    HALF_OPEN = "half_open"
    """One at a time, to see whether it is over."""


class Admission:
    """Leave to make one call. Whoever has it tells once how the call went; later words count not.

    Without a word for as long as the pause, a probe counts as lost and another one may be made.
    """

    def __init__(self, breaker: "Breaker", era: int) -> None:
        self._breaker = breaker
        self._era: int | None = era

    def succeeded(self) -> None:
        """It was answered, whatever the answer."""
        self._tell(self._breaker._closed)  # noqa: SLF001 - both halves of one thing

    def failed(self) -> None:
        """It was not answered."""
        self._tell(self._breaker._failed)  # noqa: SLF001

    def dropped(self) -> None:
        """It was cut off, which says nothing about who was called."""
        self._tell(self._breaker._freed)  # noqa: SLF001

    def _tell(self, consequence: Callable[[], None]) -> None:
        era, self._era = self._era, None
        # What was begun before the breaker changed its mind is no news.
        if era == self._breaker._era:  # noqa: SLF001
            consequence()


class Breaker:
    """Opens after `failures` in a row, and lets one probe through every `pause_s` seconds after.

    `clock` gives seconds that never go back, such as `time.monotonic`.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        failures: int = FAILURES,
        pause_s: float = PAUSE_S,
    ) -> None:
        self._clock = clock
        self._limit = failures
        self._pause_s = pause_s
        self._in_a_row = 0
        self._opens_again_at: float | None = None
        self._era = 0

    @property
    def state(self) -> State:
        """What would become of a call now; half open also while the probe is under way."""
        if self._opens_again_at is None:
            return State.CLOSED
        probing = self._in_a_row < self._limit
        return State.HALF_OPEN if probing or self.wait_s == 0 else State.OPEN

    @property
    def wait_s(self) -> float:
        """Seconds until a call may go through; 0 when it may now."""
        if self._opens_again_at is None:
            return 0.0
        return max(0.0, self._opens_again_at - self._clock())

    def admit(self) -> Admission | None:
        """Leave to call, or None: not now."""
        if self._opens_again_at is None:
            return Admission(self, self._era)
        if self.wait_s > 0:
            return None
        # The probe: until it has told, or is lost, nobody else goes.
        self._in_a_row = 0
        self._begin_pause()
        return Admission(self, self._era)

    def _begin_pause(self) -> None:
        self._opens_again_at = self._clock() + self._pause_s
        self._era += 1

    def _closed(self) -> None:
        self._in_a_row = 0
        if self._opens_again_at is not None:
            self._opens_again_at = None
            self._era += 1

    def _failed(self) -> None:
        probed = self._opens_again_at is not None
        self._in_a_row = self._limit if probed else self._in_a_row + 1
        if self._in_a_row >= self._limit:
            self._begin_pause()

    def _freed(self) -> None:
        if self._opens_again_at is not None:
            self._opens_again_at = self._clock()
            self._in_a_row = self._limit
            self._era += 1
