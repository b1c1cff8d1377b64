"""Ask safety about every final prompt before anything is accepted."""

from collections.abc import Sequence

from services.gateway.domain import prompt
from services.gateway.handler.door import Door
from services.gateway.handler.order_bodies import BatchBody, GenerateBody
from services.gateway.handler.planning import Planned
from shared.calls import (
    MAX_TEXTS,
    SCREEN_TEXTS,
    AcceptTask,
    Finding,
    ScreenTexts,
    TextToScreen,
)
from shared.content import BlockCategory, Brief
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
    # Pieces by one template share a prompt: it is looked at once.
    texts = list(dict.fromkeys(map(_text, task.briefs)))
    for start in range(0, len(texts), MAX_TEXTS):
        some = texts[start : start + MAX_TEXTS]
        for finding in await _findings(door, task, some):
            index = [_text(brief) for brief in task.briefs].index(some[finding.index])
            raise _blocked(finding, await _field(door, task, planned, index))


async def screen_words(
    door: Door, tenant: str, words: TextToScreen, *, consented_name: str | None, field: str
) -> None:
    """As for orders, about words that nothing is made of here."""
    request = ScreenTexts(tenant=tenant, texts=(words,), consented_name=consented_name)
    for finding in (await door.ask(SCREEN_TEXTS, request, timeout_s=SCREEN_LIMIT_S)).findings:
        raise _blocked(finding, field)


async def _findings(
    door: Door, task: AcceptTask, texts: Sequence[TextToScreen]
) -> Sequence[Finding]:
    request = ScreenTexts(
        tenant=task.tenant, texts=tuple(texts), consented_name=task.briefs[0].likeness_name
    )
    return (await door.ask(SCREEN_TEXTS, request, timeout_s=SCREEN_LIMIT_S)).findings


def _text(brief: Brief) -> TextToScreen:
    return TextToScreen(text=brief.prompt, avoided=brief.negative_prompt, tier=brief.tier)


def _blocked(finding: Finding, field: str) -> Problem:
    # Never the words themselves: what is refused must not travel further.
    reason = _REASONS[finding.category]
    detail = f"The prompt is blocked: {reason}. No setting allows it; order something else."
    return Problem(422, "prompt_blocked", detail, field=field)


async def _field(door: Door, task: AcceptTask, planned: Planned, index: int) -> str:
    """The input to change. The avatar's own words stand in every prompt: they are tried alone."""
    alone = _text(task.briefs[index]).model_copy(update={"text": _avatars_words(planned)})
    if await _findings(door, task, [alone]):
        return "avatar_id"
    body, pieces = planned.body, planned.pieces
    if pieces[index].is_custom:
        place = sum(piece.is_custom for piece in pieces[:index])
        return f"custom_prompts.{place}" if isinstance(body, BatchBody) else "custom_prompt"
    is_chosen = isinstance(body, GenerateBody) and body.template_id is not None
    return "template_id" if is_chosen else "avatar_id"


def _avatars_words(planned: Planned) -> str:
    avatar = planned.avatar
    trigger_word = prompt.trigger_word_for(avatar.id, avatar.trigger_word)
    return prompt.compose(trigger_word=trigger_word, base_prompt=avatar.base_prompt, text="")
