"""Turn planned pieces into briefs: everything the later steps need to know."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.gateway.domain import prompt
from services.gateway.domain.planner import PlannedPiece
from shared.calls import Avatar
from shared.content import Brief, LoraRef, Platform

DEFAULT_STEPS = 28
DEFAULT_CFG_SCALE = 5.5
SQUARE = 1024


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a client wants of every piece of an order."""

    platform: Platform
    include_hooks: bool = True
    safety_check: bool = True
    upload_to_storage: bool = True
    allow_degraded: bool | None = None


def write_briefs(
    avatar: Avatar, planned: Sequence[PlannedPiece], wishes: Wishes
) -> tuple[Brief, ...]:
    """One brief for each planned piece, in order. The avatar must have LoRA weights."""
    return tuple(_brief(avatar, piece, wishes) for piece in planned)


def _brief(avatar: Avatar, piece: PlannedPiece, wishes: Wishes) -> Brief:
    sampling = avatar.meta_data.generation_config
    template = piece.template
    return Brief(
        avatar_id=avatar.id,
        avatar_name=avatar.name,
        niche=avatar.niche,
        personality_tone=avatar.meta_data.personality.tone,
        likeness_name=consented_name(avatar),
        language=avatar.meta_data.personality.language,
        platform=wishes.platform,
        tier=piece.tier,
        template_id=template.id if template else None,
        category=template.category if template else None,
        scene=template.scene if template else "studio",
        framing=template.framing if template else "half",
        prompt=_prompt(avatar, piece),
        negative_prompt=prompt.negative(
            avatar.negative_prompt, template.negative_prompt if template else ""
        ),
        seed=piece.seed,
        width=template.width if template else SQUARE,
        height=template.height if template else SQUARE,
        steps=sampling.steps or DEFAULT_STEPS,
        cfg_scale=sampling.cfg_scale or DEFAULT_CFG_SCALE,
        scheduler=sampling.scheduler,
        lora=LoraRef(key=avatar.lora_weights_url or "", scale=avatar.lora_scale),
        allow_degraded=allows_degraded(avatar, wished=wishes.allow_degraded),
        include_hooks=wishes.include_hooks,
        safety_check=wishes.safety_check,
        upload_to_storage=wishes.upload_to_storage,
    )


def allows_degraded(avatar: Avatar, *, wished: bool | None) -> bool:
    """Whether a lesser image is better than none: the order says so, else the avatar, else yes."""
    if wished is not None:
        return wished
    own = avatar.meta_data.generation_config.allow_degraded
    return True if own is None else own


def consented_name(avatar: Avatar) -> str | None:
    """The real person whose attested consent lets the avatar wear their face."""
    likeness = avatar.likeness
    if likeness is None or likeness.kind != "consented_person":
        return None
    return likeness.name if likeness.attested_by and likeness.attested_at else None


def _prompt(avatar: Avatar, piece: PlannedPiece) -> str:
    return prompt.compose(
        trigger_word=prompt.trigger_word_for(avatar.id, avatar.trigger_word),
        base_prompt=avatar.base_prompt,
        text=piece.text,
    )
