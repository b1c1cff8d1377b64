"""Read, publish and take down pieces."""

from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field, WithJsonSchema

from services.gateway.handler.door import Open, Tenant, Token
from services.gateway.handler.json_types import Body, seconds, usd
from services.gateway.handler.openapi import problems
from services.gateway.handler.piece_views import (
    AttemptView,
    ContentPage,
    ContentPiece,
    PieceStory,
    StatsView,
    TimelineView,
)
from services.gateway.handler.rendering import links_of, members, show
from services.gateway.handler.scopes import Key, needs
from services.gateway.handler.stated_reason import StatedReason
from services.gateway.handler.strict_bodies import StrictRoute
from shared.calls import (
    GET_PIECE,
    GET_STATS,
    LIST_PIECES,
    PUBLISH_PIECE,
    TAKE_DOWN_PIECE,
    AttemptRecord,
    AvatarRef,
    ListPieces,
    PieceDetail,
    PieceRef,
    PublishPiece,
    Scope,
    TakeDownPiece,
)
from shared.content import Rating, Tier
from shared.money import to_micros

router = APIRouter(prefix="/content", tags=["pieces"], route_class=StrictRoute)

Cursor = Annotated[str | None, Query(max_length=512, pattern=r"^[A-Za-z0-9_=.:+/-]+$")]


Price = Annotated[
    Decimal,
    Field(ge=0, le=1_000_000, max_digits=13, decimal_places=6),
    WithJsonSchema(
        {
            "type": "number",
            "minimum": 0,
            "maximum": 1_000_000,
            "description": "at most six decimals",
        }
    ),
]


class PublishBody(Body):
    """What to ask for a piece."""

    price_usd: Price | None = None


@router.get("/avatar/{avatar_id}/content", summary="An avatar's pieces", responses=problems(404))
async def list_content(
    avatar_id: Token,
    door: Open,
    tenant: Tenant,
    tier: Tier | None = None,
    rating: Rating | None = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 20,
) -> ContentPage:
    """Finished pieces, newest first."""
    wanted = ListPieces(
        tenant=tenant, avatar_id=avatar_id, tier=tier, rating=rating, cursor=cursor, limit=limit
    )
    page = await door.ask(LIST_PIECES, wanted)
    content = await show(door, tenant, page.pieces)
    return ContentPage(content=content, next_cursor=page.next_cursor)


@router.get("/stats/{avatar_id}", summary="An avatar's totals", responses=problems(404))
async def read_stats(avatar_id: Token, door: Open, tenant: Tenant) -> StatsView:
    """Counts, cost and times over all pieces of an avatar."""
    stats = await door.ask(GET_STATS, AvatarRef(tenant=tenant, avatar_id=avatar_id))
    return StatsView(
        total_cost=usd(stats.total_cost_usd_micros),
        average_cost=usd(stats.average_cost_usd_micros),
        total_generation_time=seconds(stats.total_generation_time_ms),
        average_generation_time=seconds(stats.average_generation_time_ms),
        **stats.model_dump(include=set(StatsView.model_fields)),
    )


@router.get("/pieces/{piece_id}", summary="A piece and its story", responses=problems(404))
async def read_piece(piece_id: Token, door: Open, tenant: Tenant) -> PieceStory:
    """A piece, finished or not, with everything that happened to it."""
    detail = await door.ask(GET_PIECE, PieceRef(tenant=tenant, piece_id=piece_id))
    links = await links_of(door, tenant, [detail.piece])
    return PieceStory(**members(detail.piece, links), **_story(detail))


@router.post(
    "/pieces/{piece_id}/publish",
    summary="Mark a piece as published",
    responses=problems(404, 409, 410, 413),
)
async def publish_piece(
    piece_id: Token, door: Open, tenant: Tenant, body: PublishBody | None = None
) -> ContentPiece:
    """Set the time of publication and the price."""
    price = body.price_usd if body else None
    micros = None if price is None else to_micros(price)
    wanted = PublishPiece(tenant=tenant, piece_id=piece_id, price_usd_micros=micros)
    (shown,) = await show(door, tenant, [await door.ask(PUBLISH_PIECE, wanted)])
    return shown


@router.post(
    "/pieces/{piece_id}/takedown",
    summary="Take a piece down",
    responses=problems(404, 409, 413),
    openapi_extra=needs(Scope.REVIEW),
)
async def take_down_piece(
    piece_id: Token, body: StatedReason, door: Open, tenant: Tenant, key: Key
) -> ContentPiece:
    """Remove a finished piece from delivery, for good.

    Its files are deleted, its record stays, and what looks the same is refused from now on. May be
    sent again: a piece is taken down once, by the first who asks.
    """
    wanted = TakeDownPiece(tenant=tenant, piece_id=piece_id, by=key.key_id, reason=body.reason)
    (shown,) = await show(door, tenant, [await door.ask(TAKE_DOWN_PIECE, wanted)])
    return shown


def _story(detail: PieceDetail) -> dict[str, object]:
    piece = detail.piece
    return {
        "state": piece.state,
        "index": piece.index,
        "run": piece.run,
        "reason": piece.reason,
        "detail": piece.detail,
        "verdict_reason": piece.verdict_reason,
        "ended_at": piece.ended_at,
        "timeline": [TimelineView(**entry.model_dump()) for entry in detail.timeline],
        "attempts": [_attempt(attempt) for attempt in detail.attempts],
    }


def _attempt(attempt: AttemptRecord) -> AttemptView:
    duration_ms = attempt.duration_ms
    return AttemptView(
        duration=None if duration_ms is None else seconds(duration_ms),
        cost=usd(attempt.cost_usd_micros),
        **attempt.model_dump(exclude={"duration_ms", "cost_usd_micros"}),
    )
