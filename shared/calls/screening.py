"""The text screen: what no setting turns off, asked before anything is accepted."""

from typing import Annotated

from pydantic import Field, StringConstraints

from shared.calls.base import Asked
from shared.content import BlockCategory, Tier, Value
from shared.rpc import Call

MAX_TEXTS = 100
"""Texts of one call; more of them are asked about in several."""

MAX_TEXT_CHARS = 8000

ScreenedText = Annotated[str, StringConstraints(max_length=MAX_TEXT_CHARS)]


class TextToScreen(Value):
    """One text as a model or a reader would get it: the final prompt, or a caption."""

    text: ScreenedText
    avoided: ScreenedText = Field(
        default="", description="the negative prompt: what the image shall not show"
    )
    tier: Tier = Tier.CAPA1


class ScreenTexts(Asked):
    """Look at texts about one avatar."""

    texts: tuple[TextToScreen, ...] = Field(min_length=1, max_length=MAX_TEXTS)
    consented_name: str | None = Field(
        default=None, description="the real person whose consent this avatar's record attests"
    )


class Finding(Value):
    """Why the text with this index is blocked. Never quotes the text."""

    index: int = Field(ge=0)
    category: BlockCategory
    reason: str


class Screened(Value):
    """What was found; no finding means that the screen has nothing against the texts."""

    policy_version: str
    findings: tuple[Finding, ...] = ()


SCREEN_TEXTS = Call("safety.text.screen", ScreenTexts, Screened)
