"""Accept an order: check it, write its briefs, hand it to the ledger."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import structlog

from services.gateway.domain.briefs import Wishes, write_briefs
from services.gateway.domain.estimates import deadline, lane
from services.gateway.domain.planner import PlanError, PlannedPiece, plan_batch
from services.gateway.domain.readiness import blockers
from services.gateway.domain.single import plan_by_tier, plan_from_template, plan_from_words
from services.gateway.domain.templates import Template
from services.gateway.handler.door import Door
from services.gateway.handler.order_bodies import BatchBody, GenerateBody, OrderBody
from services.gateway.handler.problems import AboutTask
from shared.calls import ACCEPT_TASK, GET_AVATAR, AcceptTask, Avatar, AvatarRef, TaskView
from shared.content import Tier
from shared.outcomes import TryLater
from shared.problems import Problem, ProblemDetails, not_found

log = structlog.get_logger(__name__)

# Hundreds of rows in one transaction, on a disk that is made sure of.
ACCEPT_LIMIT_S = 15.0


@dataclass(frozen=True, slots=True)
class Planned:
    """An order that can be handed over."""

    task_id: str
    avatar: Avatar
    pieces: Sequence[PlannedPiece]
    body: OrderBody


async def plan_single(door: Door, tenant: str, body: GenerateBody) -> Planned:
    """Plan one piece. Raises Problem or PlanError for orders that cannot be met."""
    avatar = await _usable_avatar(door, tenant, body)
    task_id = door.new_id()
    piece = await _one_piece(door, task_id, avatar, body)
    return Planned(task_id, avatar, (piece,), body)


async def plan_many(door: Door, tenant: str, body: BatchBody) -> Planned:
    """Plan a batch. Raises Problem or PlanError for orders that cannot be met."""
    ratios = body.tier_distribution.ratios()
    avatar = await _usable_avatar(door, tenant, body)
    task_id = door.new_id()
    pieces = plan_batch(
        batch_id=task_id,
        num_pieces=body.num_pieces,
        ratios=ratios,
        templates=await door.library.all(),
        niche=avatar.niche,
        platform=body.platform,
        custom_prompts=body.custom_prompts,
        custom_tiers=body.custom_tiers,
    )
    return Planned(task_id, avatar, await _look_up_templates(door, pieces), body)


def as_task(door: Door, tenant: str, planned: Planned, *, somebody_waits: bool) -> AcceptTask:
    """The order as the ledger takes it."""
    body = planned.body
    accepted_at = door.now()
    wishes = Wishes(body.platform, body.include_hooks, body.upload_to_storage)
    return AcceptTask(
        tenant=tenant,
        task_id=planned.task_id,
        lane=lane(len(planned.pieces), somebody_waits=somebody_waits),
        kind=_kind(body),
        avatar_id=planned.avatar.id,
        platform=body.platform,
        config=_config(body, planned),
        accepted_at=accepted_at,
        deadline_at=deadline(accepted_at, len(planned.pieces)),
        briefs=write_briefs(planned.avatar, planned.pieces, wishes),
    )


async def accept(door: Door, task: AcceptTask) -> TaskView:
    """Make the order durable; from here on it goes on whatever happens to us."""
    try:
        view = await door.ask(ACCEPT_TASK, task, timeout_s=ACCEPT_LIMIT_S)
    except TryLater as exc:
        # The order may have been recorded although the answer got lost.
        detail = "Nobody confirms the order; look at its task before you order again."
        unclear = ProblemDetails(code="not_confirmed", status=503, detail=detail)
        raise AboutTask(unclear, task.task_id, door.task_url(task.task_id)) from exc
    log.info(
        "order.accepted",
        task_id=task.task_id,
        avatar_id=task.avatar_id,
        lane=task.lane.value,
        pieces=len(task.briefs),
    )
    return view


async def _usable_avatar(door: Door, tenant: str, body: OrderBody) -> Avatar:
    if not body.safety_check:
        raise Problem(
            422,
            "safety_check_required",
            "No configuration here allows a piece to go unjudged; leave safety_check on.",
            field="safety_check",
        )
    avatar = await door.ask(GET_AVATAR, AvatarRef(tenant=tenant, avatar_id=body.avatar_id))
    for blocker in blockers(avatar):
        raise Problem(400, blocker.code, blocker.detail, field="avatar_id")
    return avatar


async def _one_piece(door: Door, task_id: str, avatar: Avatar, body: GenerateBody) -> PlannedPiece:
    if body.custom_prompt is not None:
        piece = plan_from_words(task_id, body.custom_prompt, tier=body.tier, platform=body.platform)
    elif body.template_id is not None:
        template = await _template(door, body.template_id)
        piece = plan_from_template(task_id, template, tier=body.tier, platform=body.platform)
    else:
        piece = await _best_suited(door, task_id, avatar, body)
    return piece if body.seed is None else replace(piece, seed=body.seed)


async def _best_suited(
    door: Door, task_id: str, avatar: Avatar, body: GenerateBody
) -> PlannedPiece:
    try:
        return plan_by_tier(
            task_id,
            await door.library.all(),
            tier=body.tier or Tier.CAPA1,
            niche=avatar.niche,
            platform=body.platform,
        )
    except PlanError as exc:
        # The planner speaks of a batch's ratios; here the tier itself was ordered.
        raise PlanError(exc.code, "tier", str(exc)) from exc


async def _template(door: Door, template_id: str) -> Template:
    template = await door.library.get(template_id)
    if template is None:
        raise not_found("template", template_id)
    return template


async def _look_up_templates(door: Door, pieces: Sequence[PlannedPiece]) -> Sequence[PlannedPiece]:
    # One lookup a piece, so that the hit rate speaks of pieces and not of batches.
    return [
        replace(piece, template=await door.library.get(piece.template.id) or piece.template)
        if piece.template
        else piece
        for piece in pieces
    ]


def _kind(body: OrderBody) -> Literal["single", "batch"]:
    return "single" if isinstance(body, GenerateBody) else "batch"


def _config(body: OrderBody, planned: Planned) -> dict[str, Any]:
    """The order as it was understood, small enough to be shown with every status."""
    given = body.model_dump(
        mode="json", exclude={"custom_prompt", "custom_prompts", "callback_url", "priority"}
    )
    tiers = Counter(piece.tier.value for piece in planned.pieces)
    return given | {
        "num_pieces": len(planned.pieces),
        "custom_prompts": sum(piece.is_custom for piece in planned.pieces),
        "planned_tiers": {tier.value: tiers[tier.value] for tier in Tier},
    }
