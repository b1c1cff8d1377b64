"""How far a piece and its task have come."""

from shared.calls import StageCounts, TaskState

REQUESTED, GENERATED, HOOKED, MODERATED, STORED = range(5)
"""Ranks of the steps that lie behind a piece; kept when it ends, so counts stay cumulative."""

STEPS = 5
"""Steps on the whole way: generated, hooked, moderated, stored, persisted."""

STATES = ("requested", "generated", "hooked", "moderated")
"""The state of a piece under way, by the rank it has reached."""


def percent(*, steps_gone: int, total: int) -> int:
    """Whole percent of the way of all pieces; 100 only when nothing is left to do."""
    return min(100, 100 * steps_gone // (STEPS * total)) if total else 100


def shown_state(stored: str, counts: StageCounts) -> TaskState:
    """The state of a task as clients see it: a row only tells how it ended."""
    if stored != "accepted":
        return TaskState(stored)
    begun = counts.generated + counts.persisted + counts.rejected + counts.failed
    return TaskState.RUNNING if begun else TaskState.QUEUED
