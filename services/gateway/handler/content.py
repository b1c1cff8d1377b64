"""Order content: one piece, a batch, or a batch that is waited for."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from services.gateway.domain.endings import refusal
from services.gateway.domain.estimates import estimate
from services.gateway.handler.door import Door, Open, Tenant
from services.gateway.handler.json_types import usd
from services.gateway.handler.openapi import problems
from services.gateway.handler.order_bodies import BatchBody, GenerateBody
from services.gateway.handler.ordering import accept, as_task, plan_many, plan_single
from services.gateway.handler.piece_views import ContentPiece
from services.gateway.handler.problems import AboutTask
from services.gateway.handler.rendering import all_delivered, show
from services.gateway.handler.task_views import (
    AcceptedView,
    BatchStatistics,
    BatchView,
    TaskStatus,
    task_status,
)
from services.gateway.handler.waiting import wait_for_end
from shared.calls import AcceptTask, TaskState, TaskView
from shared.content import Tier
from shared.outcomes import TryLater
from shared.problems import Problem, ProblemDetails

router = APIRouter(prefix="/content", tags=["content"])

_LOCATION = {"Location": {"description": "the task", "schema": {"type": "string"}}}


@router.post(
    "/generate",
    response_model=ContentPiece,
    summary="One piece, waited for",
    responses={
        **problems(400, 404, 409, 413, 502, 504),
        202: {
            "model": TaskStatus,
            "description": "Made, but it waits for a review before it may be shown",
            "headers": _LOCATION,
        },
    },
)
async def generate(
    body: GenerateBody, request: Request, door: Open, tenant: Tenant
) -> ContentPiece | Response:
    """Order one piece and wait for it; after the wait the work goes on under `Location`."""
    planned = await plan_single(door, tenant, body)
    task = as_task(door, tenant, planned, somebody_waits=True)
    view, pieces = await _accept_and_wait(door, task, request.is_disconnected)
    if pieces:
        return pieces[0]
    with _naming_its_task(door, task):
        return _without_piece(door, view)


@router.post(
    "/batch",
    status_code=202,
    summary="A batch, to be followed",
    responses={**problems(400, 404, 413), 202: {"headers": _LOCATION}},
)
async def batch(body: BatchBody, response: Response, door: Open, tenant: Tenant) -> AcceptedView:
    """Order a batch; `Location` is the task to follow."""
    planned = await plan_many(door, tenant, body)
    task = as_task(door, tenant, planned, somebody_waits=False)
    view = await accept(door, task)
    expected = estimate(len(task.briefs), door.rate)
    response.headers["Location"] = door.task_url(task.task_id)
    return AcceptedView(
        task_id=task.task_id,
        status=view.state,
        total_pieces=len(task.briefs),
        estimated_time_minutes=expected.minutes,
        estimated_cost_usd=expected.usd,
        deadline_at=task.deadline_at,
        task_url=door.task_url(task.task_id),
    )


@router.post(
    "/batch/sync",
    summary="A batch, waited for",
    responses=problems(400, 404, 413, 504),
)
async def batch_sync(body: BatchBody, request: Request, door: Open, tenant: Tenant) -> BatchView:
    """Order a batch and wait for it; partial success is success, the reasons tell the rest."""
    planned = await plan_many(door, tenant, body)
    task = as_task(door, tenant, planned, somebody_waits=True)
    view, pieces = await _accept_and_wait(door, task, request.is_disconnected)
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


async def _accept_and_wait(
    door: Door, task: AcceptTask, is_gone: Callable[[], Awaitable[bool]]
) -> tuple[TaskView, list[ContentPiece]]:
    # Listening begins first: a quick task could end before its acceptance is answered.
    with door.completions.watch(task.tenant, task.task_id) as heard:
        await accept(door, task)
        with _naming_its_task(door, task):
            view = await wait_for_end(door, task, heard, is_gone)
            delivered = await all_delivered(door, task.tenant, task.task_id)
            return view, await show(door, task.tenant, delivered)


@contextmanager
def _naming_its_task(door: Door, task: AcceptTask) -> Iterator[None]:
    """Whatever goes wrong with an accepted order, its client learns which task to look at."""
    try:
        yield
    except Problem as exc:
        raise AboutTask(exc.details, task.task_id, door.task_url(task.task_id)) from exc
    except TryLater as exc:
        detail = "The order has ended, but its pieces cannot be shown now; look at its task."
        hidden = ProblemDetails(code="unavailable", status=503, detail=detail)
        raise AboutTask(hidden, task.task_id, door.task_url(task.task_id)) from exc


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
