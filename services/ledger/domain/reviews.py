"""What a reviewer's decision means for a piece that waits, given what was decided before."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Literal

from shared.calls.reviews import REVIEWED_RATINGS
from shared.content import Rating, Verdict
from shared.problems import Problem

APPROVAL_LIMIT = timedelta(hours=24)
"""How long an approved piece may take until it is delivered: as long as facts are kept."""

REVIEW_REJECTED = "review_rejected"
REVIEW_EXPIRED = "review_expired"
SYSTEM = "system"
"""Who decides when time has run out."""

_STRICTNESS = (Rating.SAFE, Rating.SUGGESTIVE, Rating.BORDERLINE)


class Outcome(StrEnum):
    """What becomes of the piece."""

    WAIT = "wait"
    """Somebody else has to agree."""
    GO_ON = "go_on"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Decided:
    """What one person says, or has said, about a piece."""

    decision: Literal["approve", "reject"]
    by: str
    rating: Rating | None = None
    reason: str | None = None


def check_complete(decision: Decided) -> None:
    """Raise Problem 422 for an approval without a rating, a rejection without a reason."""
    if decision.decision == "approve" and decision.rating not in REVIEWED_RATINGS:
        detail = "An approval says what the piece is rated: safe, suggestive or borderline."
        raise Problem(422, "rating_required", detail, field="rating")
    if decision.decision == "reject" and not decision.reason:
        raise Problem(422, "reason_required", "A rejection says why.", field="reason")


def outcome_of(decision: Decided, verdict: Verdict, approvals: Sequence[Decided]) -> Outcome:
    """Decide about a piece that waits under `verdict` and has these approvals already.

    Raises Problem 409 review_blocked and already_approved.
    """
    if decision.decision == "reject":
        return Outcome.REJECT
    if verdict.blocked is not None:
        detail = "The piece is under an absolute block, which nobody can approve."
        raise Problem(409, "review_blocked", detail)
    people = {approval.by for approval in approvals}
    if decision.by in people:
        detail = "This key has approved the piece; a second person has to agree."
        raise Problem(409, "already_approved", detail)
    agreed = len(people) + 1
    return Outcome.GO_ON if agreed >= verdict.approvals_needed else Outcome.WAIT


def strictest(ratings: Iterable[Rating]) -> Rating:
    """The most explicit of what reviewers found."""
    return max(ratings, key=_STRICTNESS.index)
