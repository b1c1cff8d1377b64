"""Requests by key: begun twice at most, answered once."""

from dataclasses import dataclass
from typing import Literal

MOST_BEGUN = 2
"""The second time is for a holder that died; a third could be paid for once more."""

State = Literal["go", "done", "wait", "lost"]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a request stands that another holder has begun, or this one before."""

    is_mine: bool
    is_answered: bool
    begun: int
    left_s: float
    """Until its holder counts as dead."""

    @property
    def state(self) -> State:
        """What whoever asks is told; `go` begins it anew unless it is theirs."""
        if self.is_answered:
            return "done"
        if self.left_s > 0:
            return "go" if self.is_mine else "wait"
        return "go" if self.begun < MOST_BEGUN else "lost"
