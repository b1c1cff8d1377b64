"""Review: what waits for a person, and what people decided."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from shared.calls.base import Asked
from shared.calls.pieces import PieceRef
from shared.content import (
    BlockCategory,
    Brief,
    Captions,
    Rating,
    SubjectToken,
    Tier,
    Value,
    Verdict,
)
from shared.rpc import Call

ReviewReason = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)
]

REVIEWED_RATINGS = frozenset({Rating.SAFE, Rating.SUGGESTIVE, Rating.BORDERLINE})
"""What a reviewer may find an approved piece to be."""


class ListReviews(Asked):
    """Held pieces, those that wait longest first."""

    avatar_id: SubjectToken | None = None
    task_id: SubjectToken | None = None
    tier: Tier | None = Field(default=None, description="the tier that the verdict gives")
    blocked: bool | None = Field(
        default=None, description="only those under an absolute block, or only the others"
    )
    cursor: str | None = None
    limit: int = Field(default=20, ge=1, le=50)


class ReviewItem(Value):
    """A held piece, as a list shows it."""

    piece_id: str
    task_id: str
    avatar_id: str
    tier: Tier
    reason: str
    blocked: BlockCategory | None = None
    approvals: int = Field(description="people who have approved it so far")
    approvals_needed: int
    held_at: AwareDatetime
    expires_at: AwareDatetime = Field(description="when it is rejected for want of a decision")


class ReviewPage(Value):
    """Some held pieces, and where to go on."""

    reviews: tuple[ReviewItem, ...]
    next_cursor: str | None = None


class ReviewDecision(Value):
    """One decision of one person. Decisions are never changed or deleted."""

    decision: Literal["approve", "reject"]
    by: str = Field(description="id of the API key that decided; `system` when time ran out")
    at: AwareDatetime
    rating: Rating | None = None
    reason: str | None = None


class Review(Value):
    """A piece that is or was held, with all that a reviewer needs to decide."""

    piece_id: str
    task_id: str
    avatar_id: str
    state: str = Field(description="of the piece; `pending_review` while it is held")
    brief: Brief
    captions: Captions
    verdict: Verdict
    object_key: str
    thumbnail_key: str
    held_at: AwareDatetime
    expires_at: AwareDatetime
    decisions: tuple[ReviewDecision, ...] = ()


class DecideReview(PieceRef):
    """Approve or reject a held piece.

    An approval says what the piece is rated, a rejection says why. Refused with 409
    `review_decided`, `review_blocked` (an absolute block cannot be approved) and
    `already_approved` (the same person a second time).
    """

    decision: Literal["approve", "reject"]
    by: SubjectToken = Field(description="id of the API key that decides")
    rating: Rating | None = None
    reason: ReviewReason | None = None


ActionKind = Literal["freeze", "unfreeze", "take_down", "review_expire"]
"""What is done for the sake of safety besides decisions about reviews."""


class ListActions(Asked):
    """What was done to pieces and avatars for the sake of safety, newest first."""

    avatar_id: SubjectToken | None = None
    piece_id: SubjectToken | None = None
    action: ActionKind | None = None
    cursor: str | None = None
    limit: int = Field(default=20, ge=1, le=100)


class ModerationAction(Value):
    """One of them. Actions are never changed or deleted; they outlive what they are about."""

    action: ActionKind
    avatar_id: str
    piece_id: str | None = None
    by: str = Field(description="id of the API key that asked; `system` for what rules did")
    reason: str
    at: AwareDatetime
    causes: tuple[str, ...] = Field(
        default=(), description="of an unfreeze: the pieces for which the avatar was frozen"
    )


class ActionPage(Value):
    """Some actions, and where to go on."""

    actions: tuple[ModerationAction, ...]
    next_cursor: str | None = None


LIST_REVIEWS = Call("ledger.review.list", ListReviews, ReviewPage)
GET_REVIEW = Call("ledger.review.get", PieceRef, Review)
DECIDE_REVIEW = Call("ledger.review.decide", DecideReview, Review)
LIST_ACTIONS = Call("ledger.moderation.actions", ListActions, ActionPage)
