"""Plan an order: check what it asks for, and choose template and seed of every piece."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.gateway.domain.planner import PlanError, PlannedPiece, plan_batch
from services.gateway.domain.readiness import Blocker, blockers
from services.gateway.domain.single import plan_by_tier, plan_from_template, plan_from_words
from services.gateway.domain.templates import Template
from services.gateway.handler.door import Door
from services.gateway.handler.order_bodies import BatchBody, GenerateBody, OrderBody
from shared.calls import GET_AVATAR, Avatar, AvatarRef
from shared.content import Tier
from shared.problems import Problem, not_found


@dataclass(frozen=True, slots=True)
class Planned:
    """An order that can be handed over."""

    task_id: str
    avatar: Avatar
    pieces: Sequence[PlannedPiece]
    body: OrderBody


async def plan_order(
    door: Door, tenant: str, body: GenerateBody | BatchBody, *, task_id: str
) -> Planned:
    """Plan one piece or a batch; the same task id gives the same plan.

    Raises Problem or PlanError for orders that cannot be met.
    """
    if isinstance(body, GenerateBody):
        avatar = await _usable_avatar(door, tenant, body)
        pieces: Sequence[PlannedPiece] = (await _one_piece(door, task_id, avatar, body),)
        _check_wishes(door, body, pieces)
        return Planned(task_id, avatar, pieces, body)
    ratios = body.tier_distribution.ratios()
    avatar = await _usable_avatar(door, tenant, body)
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
    _check_wishes(door, body, pieces)
    return Planned(task_id, avatar, await _look_up_templates(door, pieces), body)


async def _usable_avatar(door: Door, tenant: str, body: OrderBody) -> Avatar:
    avatar = await door.ask(GET_AVATAR, AvatarRef(tenant=tenant, avatar_id=body.avatar_id))
    refuse(blockers(avatar), field="avatar_id")
    return avatar


def refuse(found: Sequence[Blocker], *, field: str) -> None:
    """Raises Problem by the first of what is in the way, if anything is."""
    for blocker in found:
        raise Problem(blocker.status, blocker.code, blocker.detail, field=field)


def is_uploaded(door: Door, body: OrderBody) -> bool:
    """Whether the pieces of this order are uploaded: nothing is where uploads are turned off."""
    return body.upload_to_storage and door.uploads_enabled


def _check_wishes(door: Door, body: OrderBody, pieces: Sequence[PlannedPiece]) -> None:
    """Refuse what this installation does not do, and to leave unjudged what is always judged.

    The text screen runs in any case.
    """
    if "upload_to_storage" in body.model_fields_set and body.upload_to_storage:
        check_uploads(door, field="upload_to_storage")
    if body.safety_check:
        return
    if any(piece.is_custom for piece in pieces):
        raise _must_be_judged("a piece with a prompt of your own")
    if above := [piece.tier for piece in pieces if piece.tier is not Tier.CAPA1]:
        raise _must_be_judged(f"a piece of {above[0]}")


def check_uploads(door: Door, *, field: str | None = None) -> None:
    """Raises Problem where uploads are turned off."""
    if not door.uploads_enabled:
        detail = "Nothing is uploaded here; pieces are kept privately and shown as data URLs."
        raise Problem(422, "uploads_disabled", detail, field=field)


def _must_be_judged(what: str) -> Problem:
    detail = (
        f"The order has {what}, which is always judged; only capa1 pieces by templates may go "
        "without. Leave safety_check on, or order those by themselves."
    )
    return Problem(422, "safety_check_required", detail, field="safety_check")


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
