"""Captions by a call: what they cost is told, and nobody is made to wait."""

import pytest

from services.hooks.domain.failures import CopyFailure
from services.hooks.handler.answering import AnswerWriteCaptions
from services.hooks.handler.standby import Standby
from shared.calls import PictureToCaption, WriteCaptions
from shared.content import CaptionSource, Platform
from shared.outcomes import TryLater
from tests.hooks.fakes import (
    LIMITS,
    USAGE,
    CannedCopywriter,
    OpenScreen,
    ScriptedModel,
    Writing,
)

STANDBY = Standby(CannedCopywriter(), LIMITS)


def asked(*prompts: str, **more: object) -> WriteCaptions:
    pictures = tuple(PictureToCaption(prompt=prompt) for prompt in prompts or ("a window",))
    known = {"tenant": "default", "pictures": pictures, "platform": Platform.INSTAGRAM}
    return WriteCaptions.model_validate(known | more)


async def test_without_a_model_people_have_written_them_and_they_cost_nothing() -> None:
    reply = await AnswerWriteCaptions(STANDBY)(asked("one", "two"))
    assert [each.source for each in reply.captions] == [CaptionSource.TEMPLATE] * 2
    assert [each.instead_of for each in reply.captions] == ["", ""]
    assert reply.cost_usd_micros == 0


async def test_a_model_writes_for_all_pictures_in_one_call_and_the_price_is_told() -> None:
    writing = Writing([ScriptedModel()])
    reply = await AnswerWriteCaptions(STANDBY, writing.batch)(asked("one", "two", count=2))
    assert [len(each.hooks) for each in reply.captions] == [2, 2]
    assert sum(each.cost_usd_micros for each in reply.captions) == reply.cost_usd_micros == 1101
    assert (writing.attempts.opened, writing.attempts.settled) == ([], [])


async def test_calls_in_vain_are_part_of_the_price() -> None:
    refusal = CopyFailure("REFUSED", "will not", usage=USAGE)
    model = ScriptedModel([refusal])
    reply = await AnswerWriteCaptions(STANDBY, Writing([model]).batch)(asked())
    (captions,) = reply.captions
    assert (captions.source, captions.instead_of) == (CaptionSource.TEMPLATE, "refused")
    assert (captions.cost_usd_micros, reply.cost_usd_micros) == (0, 1101)


async def test_who_is_busy_is_not_waited_for() -> None:
    model = ScriptedModel([CopyFailure("RATE_LIMITED", "HTTP 429", retry_after_s=30)])
    reply = await AnswerWriteCaptions(STANDBY, Writing([model]).batch)(asked())
    assert reply.captions[0].instead_of == "unavailable"


async def test_who_takes_too_long_is_not_waited_for_either() -> None:
    slow = ScriptedModel(takes_s=5)
    reply = await AnswerWriteCaptions(STANDBY, Writing([slow]).batch, limit_s=0.05)(asked())
    assert reply.captions[0].instead_of == "unavailable"


async def test_words_that_nobody_has_screened_are_screened_before_they_are_paid_for() -> None:
    model = ScriptedModel()
    writing = Writing([model], screen=OpenScreen(("unspeakable",)))
    reply = await AnswerWriteCaptions(STANDBY, writing.batch)(asked("unspeakable", "a window"))
    assert [each.instead_of for each in reply.captions] == ["blocked", ""]
    assert model.asked == [["p2"]]


async def test_without_a_screen_there_is_no_answer() -> None:
    writing = Writing([ScriptedModel()], screen=OpenScreen(away=[True]))
    with pytest.raises(TryLater):
        await AnswerWriteCaptions(STANDBY, writing.batch)(asked())
