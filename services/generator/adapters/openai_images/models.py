"""What OpenAI's image models make: https://developers.openai.com/api/docs/guides/image-generation."""

from typing import Literal

from openai import Omit, omit

from services.generator.adapters.fitting import FixedSizes, SizeGrid, Sizes

Quality = Literal["low", "medium", "high", "xhigh", "max"]

_OLDER = "gpt-image-1"
_ANY = SizeGrid(step=16, shortest=256, longest=3840, least_px=655_360)
_THREE = FixedSizes(((1024, 1024), (1536, 1024), (1024, 1536)))


def sizes_of(model: str) -> Sizes:
    """Before `gpt-image-2` there were three sizes; since then any of enough pixels."""
    return _THREE if model.startswith(_OLDER) else _ANY


def fidelity_of(model: str) -> Literal["high"] | Omit:
    """What to ask for so that a reference's face is kept; later models do so unasked."""
    return "high" if model.startswith("gpt-image-1.5") else omit
