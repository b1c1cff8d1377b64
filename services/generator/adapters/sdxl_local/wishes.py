"""What the engine is asked for, from a brief."""

from services.generator.sdxl.wishes import LoraWish, Wish
from shared.content import Brief, Lane
from shared.samplers import SamplerName, sampler_called


def wish_for(brief: Brief, lora_url: str, lane: Lane, *, limit_s: float) -> Wish:
    """The image of a brief."""
    return Wish(
        prompt=brief.prompt,
        negative_prompt=brief.negative_prompt,
        width=brief.width,
        height=brief.height,
        steps=brief.steps,
        cfg=brief.cfg_scale,
        seed=brief.seed,
        sampler=_sampler(brief.scheduler),
        lora=LoraWish(lora_url, brief.lora.scale),
        limit_s=limit_s,
        lane=lane,
    )


def _sampler(name: str | None) -> SamplerName:
    # SDXL comes with Euler. A name that nobody knows can only be of an avatar from before the door
    # refused them; with the piece is recorded what was used.
    return sampler_called(name or "") or SamplerName.EULER
