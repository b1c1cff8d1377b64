"""Accept an order: check it, write its briefs, hand it to the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
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
from shared.calls import ACCEPT_TASK, GET_AVATAR, AcceptTask, Avatar, AvatarRef, TaskView
from shared.content import Tier
from shared.problems import Problem, not_found

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
    return Planned(task_id, avatar, await _with_current_templates(door, pieces), body)


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
