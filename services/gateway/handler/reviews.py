"""Look at held pieces, and decide about them."""

from typing import Annotated
from urllib.parse import urljoin

from fastapi import APIRouter, Query

from services.gateway.handler.door import Door, Open, Tenant, Token
from services.gateway.handler.openapi import problems
from services.gateway.handler.pieces import Cursor
from services.gateway.handler.review_bodies import ApproveBody, RejectBody
from services.gateway.handler.review_views import ReviewList, ReviewView, review_view
from services.gateway.handler.scopes import Key
from services.gateway.handler.strict_bodies import StrictRoute
from shared.calls import (
    DECIDE_REVIEW,
    GET_REVIEW,
    LIST_REVIEWS,
    SIGN_LINKS,
    DecideReview,
    ListReviews,
    PieceRef,
    Review,
    SignLinks,
)
from shared.content import Rating, SubjectToken, Tier
from shared.problems import Problem

router = APIRouter(prefix="/reviews", tags=["reviews"], route_class=StrictRoute)

HELD = "pending_review"
LINKS_LIVE_S = 300


@router.get("", summary="Pieces that wait for a decision", responses=problems())
async def list_reviews(
    door: Open,
    tenant: Tenant,
    avatar_id: SubjectToken | None = None,
    task_id: SubjectToken | None = None,
    tier: Annotated[Tier | None, Query(description="the tier that the verdict gives")] = None,
    blocked: Annotated[
        bool | None, Query(description="only those under an absolute block, or only the others")
    ] = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 20,
) -> ReviewList:
    """Held pieces, those that wait longest first."""
    wanted = ListReviews(
        tenant=tenant,
        avatar_id=avatar_id,
        task_id=task_id,
        tier=tier,
        blocked=blocked,
        cursor=cursor,
        limit=limit,
    )
    page = await door.ask(LIST_REVIEWS, wanted)
    return ReviewList(reviews=list(page.reviews), next_cursor=page.next_cursor)


@router.get("/{piece_id}", summary="A piece under review", responses=problems(404))
async def read_review(piece_id: Token, door: Open, tenant: Tenant) -> ReviewView:
    """Prompt, captions, verdict and decisions; while the piece is held, links to its image."""
    review = await door.ask(GET_REVIEW, PieceRef(tenant=tenant, piece_id=piece_id))
    return review_view(review, *await _links(door, review))


@router.post("/{piece_id}/approve", summary="Approve a piece", responses=problems(404, 409, 413))
async def approve_review(
    piece_id: Token, body: ApproveBody, door: Open, tenant: Tenant, key: Key
) -> ReviewView:
    """Let a held piece go on, rated as the reviewer finds it.

    Where the verdict asks for two people, it goes on once both have approved, each with a key of
    their own. May be sent again: a key approves once, and a second time answers 409.
    """
    if body.rating is None:
        detail = "Say what the piece is rated: safe, suggestive or borderline."
        raise Problem(422, "rating_required", detail, field="rating")
    decision = DecideReview(
        tenant=tenant,
        piece_id=piece_id,
        decision="approve",
        by=key.key_id,
        rating=Rating(body.rating),
        reason=body.reason,
    )
    return review_view(await door.ask(DECIDE_REVIEW, decision))


@router.post("/{piece_id}/reject", summary="Reject a piece", responses=problems(404, 409, 413))
async def reject_review(
    piece_id: Token, body: RejectBody, door: Open, tenant: Tenant, key: Key
) -> ReviewView:
    """End a held piece; its files are deleted.

    One rejection is enough. May be sent again: what is decided stays, and the answer is 409.
    """
    if body.reason is None:
        raise Problem(422, "reason_required", "Say why the piece is rejected.", field="reason")
    decision = DecideReview(
        tenant=tenant,
        piece_id=piece_id,
        decision="reject",
        by=key.key_id,
        reason=body.reason,
    )
    return review_view(await door.ask(DECIDE_REVIEW, decision))


async def _links(door: Door, review: Review) -> tuple[str, ...]:
    """Of image and thumbnail; none once the piece is no longer held."""
    if review.state != HELD:
        return ()
    keys = (review.object_key, review.thumbnail_key)
    wanted = SignLinks(keys=keys, expires_s=LINKS_LIVE_S, in_review=True)
    signed = await door.ask(SIGN_LINKS, wanted)
    # A store that lives behind this door names paths only.
    return tuple(urljoin(f"{door.public_base_url}/", url) for url in signed.urls)
