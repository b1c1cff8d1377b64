"""How many calls a provider may have at a time, and when to ask again for one of them."""

from dataclasses import dataclass

_SHORTEST_WAIT_S = 1.0
_LONGEST_WAIT_S = 5.0


@dataclass(frozen=True, slots=True)
class InFlight:
    """Calls under way at one provider, and how long they have been so on average, in seconds."""

    calls: int = 0
    mean_age_s: float = 0.0

    def has_room(self, most: int | None) -> bool:
        """Whether one more call may be made where `most` are allowed; None: any number."""
        return most is None or self.calls < most

    @property
    def next_end_s(self) -> float:
        """Seconds after which it makes sense to ask again, 1 to 5.

        What is under way is half over on average, so that one call in so many ends in this time.
        """
        expected_s = 2 * self.mean_age_s / max(1, self.calls)
        return min(max(expected_s, _SHORTEST_WAIT_S), _LONGEST_WAIT_S)
