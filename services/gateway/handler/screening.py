"""Ask safety about every final prompt before anything is accepted."""

from collections.abc import Iterator, Sequence

from services.gateway.domain.planner import PlannedPiece
from services.gateway.handler.door import Door
from services.gateway.handler.order_bodies import BatchBody
from services.gateway.handler.planning import Planned
from shared.calls import (
    MAX_TEXTS,
    SCREEN_TEXTS,
    AcceptTask,
    BlockCategory,
    Finding,
    ScreenTexts,
    TextToScreen,
)
from shared.content import Brief
from shared.problems import Problem

SCREEN_LIMIT_S = 10.0

_REASONS = {
    BlockCategory.MINORS: "it may show a minor, or somebody whose age is in doubt",
    BlockCategory.REAL_PERSON: "it asks for a real person who has not consented to this avatar",
    BlockCategory.EXPLICIT_ILLEGAL: "it asks for something that nobody may make",
}


async def screen(door: Door, task: AcceptTask, planned: Planned) -> None:
    """Return if nothing stands against the order's prompts.

    Raises Problem 422 prompt_blocked, and TryLater if safety does not answer: that is no pass.
    """
    for start in range(0, len(task.briefs), MAX_TEXTS):
        briefs = task.briefs[start : start + MAX_TEXTS]
        request = ScreenTexts(
            tenant=task.tenant,
            texts=tuple(_text(brief) for brief in briefs),
            consented_name=briefs[0].likeness_name,
        )
        screened = await door.ask(SCREEN_TEXTS, request, timeout_s=SCREEN_LIMIT_S)
        for finding in screened.findings:
            raise _blocked(finding, planned, start + finding.index)


def _text(brief: Brief) -> TextToScreen:
    return TextToScreen(text=brief.prompt, avoided=brief.negative_prompt, tier=brief.tier)


def _blocked(finding: Finding, planned: Planned, index: int) -> Problem:
    # Never the words themselves: what is refused must not travel further.
    reason = _REASONS[finding.category]
    detail = f"The prompt is blocked: {reason}. No setting allows it; order something else."
    return Problem(422, "prompt_blocked", detail, field=_field(planned, index))


def _field(planned: Planned, index: int) -> str:
    """The input that a piece's words came from; the avatar's own words stand in every prompt."""
    piece = planned.pieces[index]
    if not piece.is_custom:
        return "avatar_id"
    if not isinstance(planned.body, BatchBody):
        return "custom_prompt"
    return f"custom_prompts.{_custom_places(planned.pieces).index(index)}"


def _custom_places(pieces: Sequence[PlannedPiece]) -> list[int]:
    return list(_places(pieces))


def _places(pieces: Sequence[PlannedPiece]) -> Iterator[int]:
    return (place for place, piece in enumerate(pieces) if piece.is_custom)
