"""Settings of moderation."""

from typing import Literal

from pydantic import Field

from shared.settings import ServiceSettings
from shared.signing import SigningSeed


class SafetySettings(ServiceSettings):
    """Who judges."""

    safety_judge: Literal["preview", "none"] = Field(
        description=(
            "`preview` passes drawn placeholders only; with `none` every piece waits for review. "
            "There is no default, so that nothing goes unjudged by accident."
        ),
        examples=["preview"],
    )
    safety_signing_key: SigningSeed = Field(
        description="Secret half of the Ed25519 key that signs verdicts: 32 random bytes, in hex.",
        examples=["output of `openssl rand -hex 32`"],
    )
    safety_concurrency: int = Field(
        default=16, ge=1, le=256, description="Pieces judged at a time.", examples=[16]
    )
