"""Place an order, whichever door it came by: once, planned, screened, and then durable."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import structlog

from services.gateway.domain.briefs import Wishes, allows_degraded, write_briefs
from services.gateway.domain.estimates import deadline, lane
from services.gateway.handler.door import Door
from services.gateway.handler.order_bodies import BatchBody, GenerateBody, OrderBody
from services.gateway.handler.placed import Placed
from services.gateway.handler.planning import Planned, is_uploaded, plan_order
from services.gateway.handler.problems import AboutTask
from services.gateway.handler.same_body import body_sha256
from services.gateway.handler.screening import screen
from shared import failpoints
from shared.beside import beside
from shared.calls import ACCEPT_TASK, FIND_ORDER, AcceptTask, FindOrder, OrderKey, TaskView
from shared.content import Tier
from shared.outcomes import TryLater
from shared.problems import Problem, ProblemDetails

log = structlog.get_logger(__name__)

# Hundreds of rows in one transaction, on a disk that is made sure of.
ACCEPT_LIMIT_S = 15.0
_NOT_OFFERED = {"callback_url", "priority"}
# What is not there, or must not be used, was named by this member of the order.
_NAMED_BY = {
    "avatar_not_found": "avatar_id",
    "avatar_frozen": "avatar_id",
    "template_not_found": "template_id",
}


async def place_order(
    door: Door,
    tenant: str,
    body: GenerateBody | BatchBody,
    *,
    somebody_waits: bool,
    order_key: OrderKey | None,
    task_id: str | None = None,
) -> Placed:
    """Make an order durable; from here on it goes on whatever happens to us.

    What was ordered by the same key before is shown instead, as it stands by now. Raises Problem
    or PlanError for orders that cannot be met, and TryLater when a part of the system is away.
    """
    ours = task_id or door.new_id()
    place = partial(_place, door, tenant, body, order_key, ours, somebody_waits=somebody_waits)
    if order_key is None:
        return await place()
    # A crowd that asks at once by one key asks the others of us once.
    placed, is_first = await door.ordering.do((tenant, order_key), place)
    return placed if is_first else replace(placed, replayed=True)


async def _place(
    door: Door,
    tenant: str,
    body: GenerateBody | BatchBody,
    order_key: OrderKey | None,
    task_id: str,
    *,
    somebody_waits: bool,
) -> Placed:
    # The avatar is asked for while nobody knows yet whether this was ordered before. What is known
    # of the earlier order counts first, and nothing is screened until then.
    async with (
        beside(_earlier(door, tenant, order_key)) as earlier,
        beside(plan_order(door, tenant, body, task_id=task_id)) as planning,
    ):
        if (known := await earlier) is not None:
            return Placed(known, replayed=True)
        with _naming_the_input():
            planned = await planning
            task = _as_task(door, tenant, planned, order_key, somebody_waits=somebody_waits)
            await screen(door, task, planned)
            failpoints.reach("gateway/before_acceptance")
            view = await _accept(door, task)
            failpoints.reach("gateway/after_acceptance")
    # A twin may have been accepted while we were planning.
    return Placed(view, replayed=view.task_id != task.task_id)


async def _earlier(door: Door, tenant: str, order_key: OrderKey | None) -> TaskView | None:
    if order_key is None:
        return None
    return (await door.ask(FIND_ORDER, FindOrder(tenant=tenant, order_key=order_key))).task


@contextmanager
def _naming_the_input() -> Iterator[None]:
    """Who is asked for a thing cannot know what the order calls it."""
    try:
        yield
    except Problem as problem:
        field = _NAMED_BY.get(problem.details.code)
        if field is None:
            raise
        raise Problem.of(problem.details.model_copy(update={"field": field})) from problem


def order_body_sha256(body: OrderBody) -> str:
    """Tells orders apart: the same for the same order, however it was written down."""
    return body_sha256(_kind(body), body)


def _as_task(
    door: Door,
    tenant: str,
    planned: Planned,
    order_key: OrderKey | None,
    *,
    somebody_waits: bool,
) -> AcceptTask:
    body = planned.body
    accepted_at = door.now()
    wishes = Wishes(
        body.platform,
        include_hooks=body.include_hooks,
        safety_check=body.safety_check,
        upload_to_storage=is_uploaded(door, body),
        allow_degraded=body.allow_degraded,
    )
    return AcceptTask(
        tenant=tenant,
        task_id=planned.task_id,
        lane=lane(len(planned.pieces), somebody_waits=somebody_waits),
        kind=_kind(body),
        avatar_id=planned.avatar.id,
        platform=body.platform,
        config=_config(door, body, planned),
        accepted_at=accepted_at,
        deadline_at=deadline(accepted_at, len(planned.pieces)),
        briefs=write_briefs(planned.avatar, planned.pieces, wishes),
        order_key=order_key,
    )


async def _accept(door: Door, task: AcceptTask) -> TaskView:
    try:
        view = await door.ask(ACCEPT_TASK, task, timeout_s=ACCEPT_LIMIT_S)
    except TryLater as exc:
        # The order may have been recorded although the answer got lost.
        detail = "Nobody confirms the order; look at its task before you order again."
        unclear = ProblemDetails(code="not_confirmed", status=503, detail=detail)
        raise AboutTask(unclear, task.task_id, door.task_url(task.task_id)) from exc
    log.info(
        "order.accepted",
        task_id=view.task_id,
        avatar_id=task.avatar_id,
        lane=task.lane.value,
        pieces=len(task.briefs),
    )
    return view


def _kind(body: OrderBody) -> Literal["single", "batch"]:
    return "single" if isinstance(body, GenerateBody) else "batch"


def _config(door: Door, body: OrderBody, planned: Planned) -> dict[str, Any]:
    """The order as it was understood, small enough to be shown with every status."""
    given = body.model_dump(mode="json", exclude={"custom_prompt", "custom_prompts"} | _NOT_OFFERED)
    tiers = Counter(piece.tier.value for piece in planned.pieces)
    return given | {
        "num_pieces": len(planned.pieces),
        "upload_to_storage": is_uploaded(door, body),
        "allow_degraded": allows_degraded(planned.avatar, wished=body.allow_degraded),
        "custom_prompts": sum(piece.is_custom for piece in planned.pieces),
        "planned_tiers": {tier.value: tiers[tier.value] for tier in Tier},
    }
