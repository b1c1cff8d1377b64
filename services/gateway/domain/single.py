"""Plan a single piece: the client's words, a template of choice, or the best suited one."""

from collections.abc import Sequence
from dataclasses import replace

from services.gateway.domain.planner import PlanError, PlannedPiece, TierRatios, plan_batch
from services.gateway.domain.templates import Template
from shared.content import Platform, Tier


def plan_from_words(
    task_id: str, words: str, *, tier: Tier | None, platform: Platform
) -> PlannedPiece:
    """A piece in the client's own words; capa1 unless asked otherwise."""
    (piece,) = plan_batch(
        batch_id=task_id,
        num_pieces=1,
        ratios=TierRatios(),
        templates=(),
        niche=None,
        platform=platform,
        custom_prompts=(words,),
        custom_tiers=(tier or Tier.CAPA1,),
    )
    return piece


def plan_from_template(
    task_id: str, template: Template, *, tier: Tier | None, platform: Platform
) -> PlannedPiece:
    """A piece by this template. Its tier may be raised, never lowered; otherwise PlanError."""
    if tier is not None and tier.rank < template.tier.rank:
        raise PlanError(
            "tier_below_template",
            "tier",
            f"template {template.id} is made for {template.tier}; choose that tier or a higher one",
        )
    if not template.suits(template.tier, platform):
        raise PlanError(
            "template_not_for_platform",
            "platform",
            f"template {template.id} does not suit {platform}; choose another of either",
        )
    planned = plan_by_tier(task_id, (template,), tier=template.tier, niche=None, platform=platform)
    return replace(planned, tier=tier or template.tier)


def plan_by_tier(
    task_id: str,
    templates: Sequence[Template],
    *,
    tier: Tier,
    niche: str | None,
    platform: Platform,
) -> PlannedPiece:
    """A piece by whatever template of this tier suits the avatar best."""
    shares = {each.value: float(each is tier) for each in Tier}
    (piece,) = plan_batch(
        batch_id=task_id,
        num_pieces=1,
        ratios=TierRatios(**shares),
        templates=templates,
        niche=niche,
        platform=platform,
    )
    return piece
