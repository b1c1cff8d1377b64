"""A check without a piece: what moderation would say about a text, an image, or both."""

from typing import Annotated

from pydantic import Field

from shared.calls.base import Asked
from shared.calls.screening import Finding, ScreenedText
from shared.content import BlobRef, BlockCategory, Decision, JudgeReport, Rating, Tier, Value
from shared.rpc import Call


class CheckContent(Asked):
    """Judge a text, an image, or both, as if they were a piece for `tier`. Nothing is recorded.

    The image lies in staging; who asks deletes it.
    """

    text: ScreenedText | None = None
    image: BlobRef | None = None
    tier: Tier = Tier.CAPA1
    consented_name: str | None = None


class ContentChecked(Value):
    """What moderation would decide, and why. It is no verdict: nothing may be delivered by it."""

    decision: Decision
    rating: Rating
    explicitness_level: Annotated[int, Field(ge=1, le=10)]
    tier: Tier
    reason: str
    policy_version: str
    findings: tuple[Finding, ...] = ()
    blocked: BlockCategory | None = None
    judges: tuple[JudgeReport, ...] = ()
    unscored: tuple[str, ...] = ()


CHECK_CONTENT = Call("safety.content.check", CheckContent, ContentChecked)
