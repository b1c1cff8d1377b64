"""What is to be captioned, and what comes of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.hooks.domain.failures import InsteadOf
from shared.content import Brief, Captions
from shared.events import ImageGenerated


@dataclass(frozen=True, slots=True)
class Job:
    """One piece. `event` is the one that waits for it; none where somebody asks by a call."""

    piece_id: str
    tenant: str
    brief: Brief
    event: ImageGenerated | None = None


@dataclass(frozen=True, slots=True)
class Unwritten:
    """No model has written for it. `wait_s`: one that is busy may, after so many seconds."""

    instead_of: InsteadOf
    wait_s: float | None = None


Outcome = Captions | Unwritten | Exception
"""An exception is one of a handler's, or a bug: whoever waits for the job raises it."""


_CALLS_LOST_AT_MOST = 2


@dataclass(slots=True)
class Batch:
    """Jobs of one avatar, platform and language. They leave it one by one, with their outcome."""

    jobs: Sequence[Job]
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    why: dict[int, InsteadOf] = field(default_factory=dict)
    lost: Counter[int] = field(default_factory=Counter)
    wait_s: float | None = None

    @property
    def left(self) -> list[int]:
        """Places of the jobs that nothing has come of yet."""
        return [place for place in range(len(self.jobs)) if place not in self.outcomes]

    @property
    def first(self) -> Job:
        """One like any other, where only avatar and platform matter."""
        return self.jobs[0]

    def wait_for(self, seconds: float) -> None:
        """A model that may write is busy for so long."""
        self.wait_s = seconds if self.wait_s is None else min(self.wait_s, seconds)

    def lose(self, place: int) -> None:
        """A call for it was cut off and may be on the bill: it is repeated once, by anybody."""
        self.lost[place] += 1
        if self.lost[place] >= _CALLS_LOST_AT_MOST:
            self.outcomes[place] = Unwritten("unavailable")

    def end(self) -> list[Outcome]:
        """The outcome of every job, in their order; nobody is left to be asked."""
        for place in self.left:
            # Who was answered in vain by anybody is not made to wait for the busy ones.
            why = self.why.get(place)
            self.outcomes[place] = Unwritten(why) if why else Unwritten("unavailable", self.wait_s)
        return [self.outcomes[place] for place in range(len(self.jobs))]
