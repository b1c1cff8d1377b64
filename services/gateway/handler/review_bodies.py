"""What reviewers send."""

from typing import Any, Literal

from pydantic import ConfigDict, Field

from services.gateway.handler.json_types import Body
from shared.calls.reviews import ReviewReason
from shared.content import Rating

Reviewed = Literal[Rating.SAFE, Rating.SUGGESTIVE, Rating.BORDERLINE]


def _has_to_say(field: str) -> ConfigDict:
    """Let the document say what is refused by a code of its own."""

    def require(schema: dict[str, Any]) -> None:
        said = schema["properties"][field]
        said.pop("default")
        [said_as] = [kind for kind in said.pop("anyOf") if kind.get("type") != "null"]
        said.update(said_as)
        schema["required"] = [field]

    return ConfigDict(json_schema_extra=require)


class ApproveBody(Body):
    """What an approved piece is rated."""

    model_config = _has_to_say("rating")

    rating: Reviewed | None = None
    reason: ReviewReason | None = Field(default=None, description="for the record")


class RejectBody(Body):
    """Why a piece is rejected."""

    model_config = _has_to_say("reason")

    reason: ReviewReason | None = None
