"""Reviews in memory, as the ledger would keep them."""

from datetime import timedelta
from typing import Any

from shared import calls
from shared.calls import ModerationAction, Review
from shared.content import Decision, Rating
from shared.problems import Problem, not_found
from tests import builders
from tests.gateway.times import NOW

HELD = "pending_review"


class ReviewDesk:
    """Answers the calls about reviews; `reviews` are of the tenant that `tenants` names."""

    def __init__(self) -> None:
        self.reviews: dict[str, Review] = {}
        self.tenants: dict[str, str] = {}
        self.actions: list[tuple[str, ModerationAction]] = []

    def hold(self, piece_id: str = "held", *, tenant: str = "default", **fields: Any) -> Review:
        """Let a piece wait for a decision; `verdict` takes overrides."""
        judged = {
            "decision": Decision.REVIEW,
            "rating": Rating.PENDING_REVIEW,
            "reason": "nobody could score it",
        }
        verdict = builders.verdict(**(judged | fields.pop("verdict", {})))
        known: dict[str, Any] = {
            "piece_id": piece_id,
            "task_id": "t",
            "avatar_id": "ada",
            "state": HELD,
            "brief": builders.brief(avatar_id="ada", prompt="TOK_ada, by a window"),
            "captions": {"source": "template", "hooks": ("Golden hour.",)},
            "verdict": verdict,
            "object_key": f"content/ada/{piece_id}_token.png",
            "thumbnail_key": f"content/ada/{piece_id}_token_thumb.jpg",
            "held_at": NOW,
            "expires_at": NOW + timedelta(days=30),
        }
        self.reviews[piece_id] = Review.model_validate(known | fields)
        self.tenants[piece_id] = tenant
        return self.reviews[piece_id]

    def note(self, action: str, *, tenant: str = "default", **fields: Any) -> ModerationAction:
        """Something was done for the sake of safety."""
        usual = {"avatar_id": "ada", "by": "k1", "reason": "a complaint", "at": NOW}
        noted = ModerationAction.model_validate(usual | {"action": action} | fields)
        self.actions.insert(0, (tenant, noted))
        return noted

    async def _ledger_moderation_actions(self, request: calls.ListActions) -> calls.ActionPage:
        found = [
            noted
            for tenant, noted in self.actions
            if tenant == request.tenant
            and request.avatar_id in {None, noted.avatar_id}
            and request.piece_id in {None, noted.piece_id, *noted.causes}
            and request.action in {None, noted.action}
        ]
        start = start_of(request.cursor)
        end = start + request.limit
        return calls.ActionPage(
            actions=tuple(found[start:end]), next_cursor=str(end) if end < len(found) else None
        )

    async def _ledger_review_list(self, request: calls.ListReviews) -> calls.ReviewPage:
        found = [
            _item(review)
            for review in self.reviews.values()
            if self.tenants[review.piece_id] == request.tenant and _is_meant(review, request)
        ]
        start = start_of(request.cursor)
        end = start + request.limit
        return calls.ReviewPage(
            reviews=tuple(found[start:end]), next_cursor=str(end) if end < len(found) else None
        )

    async def _ledger_review_get(self, request: calls.PieceRef) -> Review:
        review = self.reviews.get(request.piece_id)
        if review is None or self.tenants[review.piece_id] != request.tenant:
            raise not_found("review", request.piece_id)
        return review

    async def _ledger_review_decide(self, request: calls.DecideReview) -> Review:
        review = await self._ledger_review_get(request)
        if review.state != HELD:
            raise Problem(409, "review_decided", "It has been decided already.")
        if request.decision == "approve" and review.verdict.blocked:
            raise Problem(409, "review_blocked", "Nobody can approve it.")
        approved = [one.by for one in review.decisions if one.decision == "approve"]
        if request.decision == "approve" and request.by in approved:
            raise Problem(409, "already_approved", "A second person has to agree.")
        said = request.model_dump(include={"decision", "by", "rating", "reason"})
        decisions = (*review.decisions, calls.ReviewDecision(at=NOW, **said))
        news = {"decisions": decisions, "state": _state_after(review, request, len(approved) + 1)}
        self.reviews[review.piece_id] = review.model_copy(update=news)
        return self.reviews[review.piece_id]


def start_of(cursor: str | None) -> int:
    """Where a page begins."""
    if cursor is not None and not (cursor.isascii() and cursor.isdigit()):
        raise Problem(422, "invalid_cursor", "Not a cursor of this list.", field="cursor")
    return int(cursor or 0)


def _state_after(review: Review, request: calls.DecideReview, approvals: int) -> str:
    if request.decision == "reject":
        return "rejected"
    return "moderated" if approvals >= review.verdict.approvals_needed else HELD


def _is_meant(review: Review, request: calls.ListReviews) -> bool:
    return (
        review.state == HELD
        and request.avatar_id in {None, review.avatar_id}
        and request.task_id in {None, review.task_id}
        and request.tier in {None, review.verdict.tier}
        and request.blocked in {None, review.verdict.blocked is not None}
    )


def _item(review: Review) -> calls.ReviewItem:
    return calls.ReviewItem(
        piece_id=review.piece_id,
        task_id=review.task_id,
        avatar_id=review.avatar_id,
        tier=review.verdict.tier,
        reason=review.verdict.reason,
        blocked=review.verdict.blocked,
        approvals=sum(one.decision == "approve" for one in review.decisions),
        approvals_needed=review.verdict.approvals_needed,
        held_at=review.held_at,
        expires_at=review.expires_at,
    )
