"""Order content: one piece, a batch, or a batch that is waited for."""

from collections import Counter
from decimal import Decimal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from services.gateway.domain.endings import refusal
from services.gateway.domain.estimates import estimate
from services.gateway.handler.awaited_orders import Order, naming_its_task, order_and_wait
from services.gateway.handler.door import Door, Open, Tenant
from services.gateway.handler.idempotency import (
    REPLAYED_HEADER,
    ChosenKey,
    order_key,
    tell_replay,
)
from services.gateway.handler.json_types import usd
from services.gateway.handler.openapi import problems
from services.gateway.handler.order_bodies import BatchBody, GenerateBody
from services.gateway.handler.ordering import place_order
from services.gateway.handler.piece_views import ContentPiece
from services.gateway.handler.strict_bodies import StrictRoute
from services.gateway.handler.task_views import (
    AcceptedView,
    BatchStatistics,
    BatchView,
    TaskStatus,
    task_status,
)
from shared.calls import TaskState, TaskView
from shared.content import Tier
from shared.problems import Problem

router = APIRouter(prefix="/content", tags=["content"], route_class=StrictRoute)

_LOCATION = {"Location": {"description": "the task", "schema": {"type": "string"}}}


@router.post(
    "/generate",
    response_model=ContentPiece,
    summary="One piece, waited for",
    responses={
        **problems(400, 404, 409, 413, 502, 504),
        200: {"headers": REPLAYED_HEADER},
        202: {
            "model": TaskStatus,
            "description": "Made, but it waits for a review before it may be shown",
            "headers": _LOCATION,
        },
    },
)
async def generate(
    body: GenerateBody,
    request: Request,
    response: Response,
    door: Open,
    tenant: Tenant,
    key: ChosenKey,
) -> ContentPiece | Response:
    """Order one piece and wait for it; after the wait the work goes on under `Location`."""
    order = Order(tenant, body, order_key(key, body))
    ended = await order_and_wait(door, order, request.is_disconnected)
    tell_replay(response, replayed=ended.replayed)
    if ended.pieces:
        return ended.pieces[0]
    with naming_its_task(door, ended.view.task_id):
        return _without_piece(door, ended.view)


@router.post(
    "/batch",
    status_code=202,
    summary="A batch, to be followed",
    responses={**problems(400, 404, 409, 413), 202: {"headers": _LOCATION | REPLAYED_HEADER}},
)
async def batch(
    body: BatchBody, response: Response, door: Open, tenant: Tenant, key: ChosenKey
) -> AcceptedView:
    """Order a batch; `Location` is the task to follow."""
    placed = await place_order(
        door, tenant, body, somebody_waits=False, order_key=order_key(key, body)
    )
    view = placed.view
    expected = estimate(view.total, door.rate)
    response.headers["Location"] = door.task_url(view.task_id)
    tell_replay(response, replayed=placed.replayed)
    return AcceptedView(
        task_id=view.task_id,
        status=view.state,
        total_pieces=view.total,
        estimated_time_minutes=expected.minutes,
        estimated_cost_usd=expected.usd,
        deadline_at=view.deadline_at,
        task_url=door.task_url(view.task_id),
    )


@router.post(
    "/batch/sync",
    summary="A batch, waited for",
    responses={**problems(400, 404, 409, 413, 504), 200: {"headers": REPLAYED_HEADER}},
)
async def batch_sync(
    body: BatchBody,
    request: Request,
    response: Response,
    door: Open,
    tenant: Tenant,
    key: ChosenKey,
) -> BatchView:
    """Order a batch and wait for it; partial success is success, the reasons tell the rest."""
    order = Order(tenant, body, order_key(key, body))
    ended = await order_and_wait(door, order, request.is_disconnected)
    tell_replay(response, replayed=ended.replayed)
    view, pieces = ended.view, ended.pieces
    return BatchView(
        success=view.state is TaskState.COMPLETED,
        task_id=view.task_id,
        avatar_id=view.avatar_id,
        total_pieces=len(pieces),
        content_pieces=pieces,
        reasons=view.reasons,
        statistics=_statistics(view, pieces),
        config=view.config,
    )


def _without_piece(door: Door, view: TaskView) -> Response:
    if view.counts.pending_review:
        return JSONResponse(
            task_status(view, None).model_dump(mode="json"),
            status_code=202,
            headers={"Location": door.task_url(view.task_id)},
        )
    if view.reasons:
        raise refusal(view.reasons[0])
    if view.state is TaskState.CANCELLED:
        raise Problem(409, "task_cancelled", "The task was cancelled before the piece was made")
    raise Problem(502, "generation_failed", "The piece failed; its timeline tells more")


def _statistics(view: TaskView, pieces: list[ContentPiece]) -> BatchStatistics:
    tiers = Counter(piece.access_tier.value for piece in pieces)
    ratings = Counter(piece.safety_rating.value for piece in pieces if piece.safety_rating)
    times = (piece.metadata.generation_time or Decimal(0) for piece in pieces)
    return BatchStatistics(
        tier_distribution={tier.value: tiers[tier.value] for tier in Tier},
        safety_distribution=dict(ratings),
        total_cost=usd(view.cost_usd_micros),
        total_generation_time=sum(times, Decimal(0)),
    )
