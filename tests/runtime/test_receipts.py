"""A fact is written once, for as long as the broker keeps it, and doubles as a receipt."""

import asyncio
from dataclasses import replace

import pytest
from nats.js import JetStreamContext

from shared.events import ContentHalted, ContentHooked, ImageGenerated
from shared.outcomes import GiveUp, TryLater
from shared.provision import provision
from shared.topology import Topology
from tests.builders import captions, image_generated
from tests.conftest import SMALL
from tests.eventually import eventually
from tests.runtime.handlers import Recorder
from tests.runtime.pipeline import Pipeline, hooked


async def test_the_broker_refuses_a_second_fact_beyond_its_dedupe_window(
    js: JetStreamContext, pipeline: Pipeline
) -> None:
    async for _ in provision(js, pipeline.topology, replace(SMALL, dedupe_s=0.1)):
        pass
    event = image_generated()
    first = ContentHooked.following(event, captions=captions("first"))
    second = ContentHooked.following(event, captions=captions("second"))
    assert await pipeline.facts.write(first)
    await asyncio.sleep(0.4)
    assert not await pipeline.facts.write(second)
    assert await pipeline.read(ContentHooked) == [first]


async def test_the_broker_refuses_a_second_fact_within_its_dedupe_window(
    pipeline: Pipeline,
) -> None:
    event = image_generated()
    assert await pipeline.facts.write(hooked(event))
    assert not await pipeline.facts.write(hooked(event))
    assert await pipeline.count(ContentHooked) == 1


async def test_of_many_writers_one_is_first(pipeline: Pipeline) -> None:
    event = image_generated()
    outcomes = await asyncio.gather(*(pipeline.facts.write(hooked(event)) for _ in range(20)))
    assert outcomes.count(True) == 1
    assert await pipeline.count(ContentHooked) == 1


async def test_the_loser_of_a_race_acknowledges_and_the_winner_stays(pipeline: Pipeline) -> None:
    event = image_generated()
    winner = ContentHooked.following(event, captions=captions("the winner's"))
    await pipeline.write(event, winner)
    handler = Recorder()
    await pipeline.replica(handler)
    await eventually(pipeline.is_settled)
    assert len(handler.seen) == 1  # a first delivery asks nobody
    assert await pipeline.read(ContentHooked) == [winner]


@pytest.mark.parametrize(
    "receipt",
    [hooked, lambda event: ContentHalted.following(event, stage="s", reason="deadline")],
    ids=["output", "halted"],
)
async def test_a_redelivery_whose_output_exists_is_acknowledged_without_work(
    pipeline: Pipeline, receipt: object
) -> None:
    event = image_generated()
    await pipeline.write(event, receipt(event))  # type: ignore[operator]
    await handed_out_and_back(pipeline)
    handler = Recorder()
    await pipeline.replica(handler)
    await eventually(pipeline.is_settled)
    assert handler.seen == []


async def handed_out_and_back(pipeline: Pipeline) -> None:
    """Somebody took the message before, and gave it back."""
    stream = pipeline.topology.stream(ImageGenerated)
    subscription = await pipeline.js.pull_subscribe_bind("content-hooked", stream)
    [message] = await subscription.fetch(1, timeout=2)
    await message.nak()


async def test_a_missing_stream_is_no_silent_loss(pipeline: Pipeline) -> None:
    """The output waits in its handler's input until there is a place for it."""
    await pipeline.js.delete_stream(pipeline.topology.stream(ContentHooked))
    event, handler = image_generated(), Recorder()
    await pipeline.write(event)
    await pipeline.replica(handler)
    await eventually(pipeline.redelivered)
    async for _ in provision(pipeline.js, pipeline.topology, SMALL):
        pass

    async def written() -> bool:
        return await pipeline.count(ContentHooked) == 1 and await pipeline.is_settled()

    await eventually(written)
    assert handler.seen == [event.piece_id] * 2  # not once more while nobody could know


async def test_a_full_stream_is_no_silent_loss_either(pipeline: Pipeline) -> None:
    stream = pipeline.topology.stream(ContentHooked)
    config = (await pipeline.js.stream_info(stream)).config
    await pipeline.js.update_stream(config.evolve(max_msgs=0, max_bytes=1))
    with pytest.raises(TryLater):
        await pipeline.facts.write(hooked(image_generated()))


async def test_a_fact_that_nobody_would_read_is_not_written(pipeline: Pipeline) -> None:
    with pytest.raises(GiveUp, match="fact_too_large"):
        await pipeline.facts.write(image_generated(brief={"prompt": "x" * 300_000}))


async def test_a_lookup_without_a_stream_is_no_answer(
    js: JetStreamContext, pipeline: Pipeline, topology: Topology
) -> None:
    await js.delete_stream(topology.stream(ContentHooked))
    with pytest.raises(TryLater):
        await pipeline.facts.holds(ContentHooked, image_generated().subject_tokens)
