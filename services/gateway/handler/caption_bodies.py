"""What clients send to have captions written."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field, StringConstraints

from services.gateway.handler.json_types import Body
from services.gateway.handler.order_bodies import Words
from shared.calls import MOST_PICTURES
from shared.content import Platform, SubjectToken, Tier
from shared.problems import Problem

Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]


def _tell_choices(schema: dict[str, Any]) -> None:
    """Let the document say what is refused by codes of their own."""
    for_pieces = {"piece_ids": {"type": "array"}}
    for_prompt = {"prompt": {"type": "string"}, "platform": {"type": "string"}}
    null = {"type": "null"}
    of_a_prompt = dict.fromkeys(("prompt", "avatar_id", "tier"), null)
    schema["oneOf"] = [
        {"required": ["piece_ids"], "properties": for_pieces | of_a_prompt},
        {"required": ["prompt", "platform"], "properties": for_prompt | {"piece_ids": null}},
    ]


class CaptionsBody(Body):
    """Finished pieces of one avatar, or a picture in words."""

    model_config = ConfigDict(json_schema_extra=_tell_choices)

    piece_ids: tuple[SubjectToken, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=MOST_PICTURES,
        description="finished pieces of one avatar; one that is named twice counts once",
    )
    prompt: Words | None = Field(default=None, description="what a picture shows")
    avatar_id: SubjectToken | None = Field(
        default=None, description="in whose voice, of a prompt; a piece has its own"
    )
    tier: Tier | None = Field(default=None, description="of a prompt; capa1 unless given")
    platform: Platform | None = Field(
        default=None, description="a prompt needs one; the pieces' own unless given"
    )
    language: Language | None = Field(
        default=None, description="ISO 639; the avatar's unless given, English without one"
    )
    count: int = Field(default=5, ge=1, le=5, description="captions a picture, at most")

    def check_choice(self) -> None:
        """Raises Problem 422 where it is for pieces and for a prompt at once, or for neither."""
        if self.piece_ids is None:
            if self.prompt is None:
                raise _neither_or_both("piece_ids")
            return
        for field in ("prompt", "avatar_id", "tier"):
            if getattr(self, field) is not None:
                raise _neither_or_both(field)


def platform_required(why: str) -> Problem:
    """422: nobody can tell for which platform the captions are to be."""
    return Problem(422, "platform_required", f"Give a platform: {why}.", field="platform")


def _neither_or_both(field: str) -> Problem:
    detail = "Give piece_ids alone, or a prompt with what belongs to it."
    return Problem(422, "pieces_or_prompt", detail, field=field)
