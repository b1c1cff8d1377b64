"""What a handler raises decides what becomes of its message; none is ever lost."""

import asyncio
from datetime import UTC, datetime, timedelta

from shared.events import ContentHalted, ContentHooked, PieceFact
from shared.outcomes import BadInput, GiveUp, TryLater
from tests.builders import image_generated
from tests.eventually import eventually
from tests.runtime.handlers import Failing, Recorder
from tests.runtime.pipeline import Pipeline


def in_seconds(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


async def ended(pipeline: Pipeline, fact: type[PieceFact]) -> None:
    async def written() -> bool:
        return await pipeline.count(fact) > 0 and await pipeline.is_settled()

    await eventually(written)


async def test_a_piece_that_works_goes_on_and_is_acknowledged(pipeline: Pipeline) -> None:
    event = image_generated()
    await pipeline.write(event)
    await pipeline.replica(Recorder())
    await ended(pipeline, ContentHooked)
    assert [fact.piece_id for fact in await pipeline.read(ContentHooked)] == [event.piece_id]


async def test_an_exception_never_ends_a_message(pipeline: Pipeline) -> None:
    handler = Failing(times_failing=1)
    await pipeline.write(image_generated())
    await pipeline.replica(handler)
    await ended(pipeline, ContentHooked)
    assert len(handler.seen) == 2


async def test_a_cancellation_from_within_is_a_bug_like_any_other(pipeline: Pipeline) -> None:
    handler = Failing(error=asyncio.CancelledError, times_failing=1)
    await pipeline.write(image_generated())
    await pipeline.replica(handler)
    await ended(pipeline, ContentHooked)
    first, second = handler.times
    assert second - first > 0.2


async def test_try_later_comes_back_after_the_time_it_asked_for(pipeline: Pipeline) -> None:
    handler = Failing(error=lambda: TryLater("busy", after=0.6), times_failing=1)
    await pipeline.write(image_generated())
    await pipeline.replica(handler)
    await ended(pipeline, ContentHooked)
    first, second = handler.times
    assert second - first >= 0.6


async def test_impatience_does_not_make_a_hot_loop(pipeline: Pipeline) -> None:
    handler = Failing(error=lambda: TryLater("now", after=0))
    await pipeline.write(image_generated(deadline_at=in_seconds(1)))
    await pipeline.replica(handler)
    await ended(pipeline, ContentHalted)
    assert len(handler.seen) <= 12


async def test_retries_end_at_the_deadline(pipeline: Pipeline) -> None:
    await pipeline.write(image_generated(deadline_at=in_seconds(0.7)))
    await pipeline.replica(Failing(error=lambda: TryLater("busy", after=60)))
    await ended(pipeline, ContentHalted)
    [halted] = await pipeline.read(ContentHalted)
    assert (halted.reason, halted.stage) == ("deadline", "content-hooked")
    assert datetime.now(UTC) >= halted.deadline_at


async def test_what_is_not_begun_by_its_deadline_never_begins(pipeline: Pipeline) -> None:
    handler = Recorder()
    await pipeline.write(image_generated(deadline_at=in_seconds(-1)))
    await pipeline.replica(handler)
    await ended(pipeline, ContentHalted)
    assert handler.seen == []


async def test_a_bug_ends_at_the_deadline_too(pipeline: Pipeline) -> None:
    await pipeline.write(image_generated(deadline_at=in_seconds(0.7)))
    await pipeline.replica(Failing())
    await ended(pipeline, ContentHalted)
    [halted] = await pipeline.read(ContentHalted)
    assert halted.reason == "deadline"


async def test_giving_up_halts_the_piece_at_once(pipeline: Pipeline) -> None:
    handler = Failing(error=lambda: GiveUp("invalid_prompt", "no"))
    await pipeline.write(image_generated())
    await pipeline.replica(handler)
    await ended(pipeline, ContentHalted)
    [halted] = await pipeline.read(ContentHalted)
    assert (halted.reason, halted.detail, len(handler.seen)) == ("invalid_prompt", "no", 1)


async def test_bad_input_halts_the_piece_and_keeps_the_message(pipeline: Pipeline) -> None:
    await pipeline.write(image_generated())
    await pipeline.replica(Failing(error=lambda: BadInput("no_lora", "no weights")))
    await ended(pipeline, ContentHalted)
    [letter] = await pipeline.dead_letters()
    [halted] = await pipeline.read(ContentHalted)
    assert letter.reason == halted.reason == "no_lora"


async def test_many_retries_strand_nothing(pipeline: Pipeline) -> None:
    handler = Failing(error=lambda: TryLater("busy", after=0.1), times_failing=20)
    await pipeline.write(image_generated())
    await pipeline.replica(handler)
    await ended(pipeline, ContentHooked)
    assert (await pipeline.consumer()).config.max_deliver == -1
