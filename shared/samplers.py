"""Samplers, by all the names that people have for them."""

import re
from enum import StrEnum


class SamplerName(StrEnum):
    """How noise becomes an image; each is diffusers' scheduler of that name."""

    EULER = "euler"
    EULER_ANCESTRAL = "euler_ancestral"
    DPMPP_2M = "dpmpp_2m"


# Ours, and those of diffusers, ComfyUI and the web UIs, without what separates words.
_NAMES = {
    "euler": SamplerName.EULER,
    "eulerdiscrete": SamplerName.EULER,
    "eulera": SamplerName.EULER_ANCESTRAL,
    "eulerancestral": SamplerName.EULER_ANCESTRAL,
    "eulerancestraldiscrete": SamplerName.EULER_ANCESTRAL,
    "dpmpp2m": SamplerName.DPMPP_2M,
    "dpmsolvermultistep": SamplerName.DPMPP_2M,
}


def sampler_called(name: str) -> SamplerName | None:
    """The sampler that is meant by a name, for example `Euler a`; None where there is none."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower().replace("++", "pp"))
    return _NAMES.get(plain.removesuffix("scheduler"))
