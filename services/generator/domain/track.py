"""What was measured of a provider: how often it succeeds, and how long it takes."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

ENOUGH_CALLS = 5
_CALLS = 100
_YOUNG_S = 900.0


@dataclass(frozen=True, slots=True)
class Measured:
    """So many calls, the share of them that succeeded (0..1), and the successes' median time."""

    calls: int
    success_rate: float
    median_s: float | None

    @property
    def tells(self) -> bool:
        """Whether there were enough calls to judge by."""
        return self.calls >= ENOUGH_CALLS

    @property
    def expected_s(self) -> float | None:
        """Seconds until an image, retries included; None where nobody knows.

        With success rate p a success takes 1/p calls on average, each as long as the median.
        """
        if not self.tells or self.median_s is None:
            return None
        return self.median_s / max(self.success_rate, 0.01)


class Track:
    """The last hundred calls of the last quarter of an hour, as seen by this process.

    What other replicas have seen counts until this one has made enough calls of its own.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._calls: deque[tuple[float, float | None]] = deque(maxlen=_CALLS)
        self._elsewhere: Measured | None = None

    def succeeded(self, duration_s: float) -> None:
        """An image came after so many seconds."""
        self._calls.append((self._clock(), duration_s))

    def failed(self) -> None:
        """A call gave no image, and the provider is at fault."""
        self._calls.append((self._clock(), None))

    def seen_elsewhere(self, measured: Measured) -> None:
        """What the ledger knows of all replicas' calls."""
        self._elsewhere = measured

    @property
    def measured(self) -> Measured:
        """Own calls where there were enough, else everybody's."""
        own = self._own()
        if own.tells or self._elsewhere is None:
            return own
        return self._elsewhere

    def _own(self) -> Measured:
        since = self._clock() - _YOUNG_S
        young = [duration_s for at, duration_s in self._calls if at >= since]
        took = [duration_s for duration_s in young if duration_s is not None]
        if not young:
            return Measured(0, 0.0, None)
        return Measured(len(young), len(took) / len(young), median(took) if took else None)
