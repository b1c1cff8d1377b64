"""Captions without a piece: written at once, for given pictures."""

from typing import Annotated

from pydantic import Field, StringConstraints

from shared.calls.base import Asked
from shared.content import Captions, Platform, SubjectToken, Tier, Value
from shared.rpc import Call

MOST_PICTURES = 10
"""Pictures of one call; more of them are asked about in several."""

CAPTIONS_LIMIT_S = 60.0
"""How long to wait for an answer. Who goes earlier has paid for what they do not get."""

Words = Annotated[str, StringConstraints(max_length=120)]

LONGEST_NAME = 500
"""Letters of a consented person's name, as long as an avatar's record may have it."""


class PictureToCaption(Value):
    """What a picture shows. `piece_id` lets a piece get the same written captions as always."""

    prompt: Annotated[str, StringConstraints(min_length=1, max_length=8000)]
    category: Words | None = None
    tier: Tier = Tier.CAPA1
    piece_id: SubjectToken | None = None


class WriteCaptions(Asked):
    """Ask for captions in an avatar's voice. Every call may cost money, repeated ones too."""

    pictures: tuple[PictureToCaption, ...] = Field(min_length=1, max_length=MOST_PICTURES)
    platform: Platform
    language: str = Field(default="en", pattern=r"^[a-z]{2}$")
    count: int = Field(default=5, ge=1, le=5, description="captions a picture")
    avatar_id: SubjectToken | None = None
    avatar_name: Words = ""
    niche: Words | None = None
    personality_tone: Words | None = None
    consented_name: Annotated[str, StringConstraints(max_length=LONGEST_NAME)] | None = Field(
        default=None, description="the real person whose consent this avatar's record attests"
    )


class CaptionsWritten(Value):
    """Captions in the order of the pictures: a model's, or written ones that say why."""

    captions: tuple[Captions, ...]
    cost_usd_micros: int = Field(
        default=0, ge=0, description="everything that was paid for them, calls in vain included"
    )


WRITE_CAPTIONS = Call("hooks.write", WriteCaptions, CaptionsWritten)
