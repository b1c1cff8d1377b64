"""When an earlier image may stand in for a piece that nobody can make."""

from dataclasses import dataclass

from services.ledger.domain.endings import SETTLED

MOST_COMPARED = 500
"""Delivered pieces that are chosen from, the latest that fit."""


@dataclass(frozen=True, slots=True)
class Wanting:
    """A piece without an image, as it stands, and whether its order takes less than it asked."""

    state: str
    current_run: int
    allows_degraded: bool
    frozen: bool


def may_go_on(state: str, current_run: int, *, run: int) -> bool:
    """Whether a piece is still under way, in this run."""
    return state not in SETTLED and run >= current_run


def may_be_substituted(piece: Wanting, *, run: int) -> bool:
    """Whether the piece may get an earlier image in this run."""
    is_under_way = may_go_on(piece.state, piece.current_run, run=run)
    return is_under_way and piece.allows_degraded and not piece.frozen
