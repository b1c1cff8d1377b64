"""What the engine is asked for, from a brief."""

import re

from services.generator.sdxl.wishes import LoraWish, SamplerName, Wish
from shared.content import Brief, Lane

_SAMPLERS = {
    # Ours, and those of diffusers, ComfyUI and the web UIs, without what separates words.
    "euler": SamplerName.EULER,
    "eulerdiscrete": SamplerName.EULER,
    "eulera": SamplerName.EULER_ANCESTRAL,
    "eulerancestral": SamplerName.EULER_ANCESTRAL,
    "eulerancestraldiscrete": SamplerName.EULER_ANCESTRAL,
    "dpmpp2m": SamplerName.DPMPP_2M,
    "dpmsolvermultistep": SamplerName.DPMPP_2M,
}


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
        sampler=sampler_called(brief.scheduler),
        lora=LoraWish(lora_url, brief.lora.scale),
        limit_s=limit_s,
        lane=lane,
    )


def sampler_called(name: str | None) -> SamplerName:
    """The sampler that is meant; Euler, as SDXL comes with, where we have none of that name."""
    plain = re.sub(r"[^a-z0-9]", "", (name or "").lower().replace("++", "pp"))
    return _SAMPLERS.get(plain.removesuffix("scheduler"), SamplerName.EULER)
