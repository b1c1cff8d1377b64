"""Provisioning brings the broker to the wanted state, from whatever state it is in."""

from dataclasses import replace

from nats.js import JetStreamContext

from shared.events import FACTS, ImageGenerated
from shared.provision import provision
from shared.topology import STEPS, Topology
from tests.builders import image_generated
from tests.conftest import SMALL, forget
from tests.runtime.pipeline import HOOK, Pipeline


async def test_it_may_run_again_and_changes_nothing(pipeline: Pipeline) -> None:
    await pipeline.write(image_generated())
    before = [stream.config for stream in await pipeline.js.streams_info()]
    async for _ in provision(pipeline.js, pipeline.topology, SMALL):
        pass
    assert [stream.config for stream in await pipeline.js.streams_info()] == before
    assert await pipeline.count(ImageGenerated) == 1


async def test_a_changed_step_changes_its_consumer(pipeline: Pipeline) -> None:
    changed = replace(HOOK, ack_wait_s=7.0)
    async for _ in provision(pipeline.js, replace(pipeline.topology, steps=(changed,)), SMALL):
        pass
    assert (await pipeline.consumer()).config.ack_wait == 7.0


async def test_changed_limits_change_streams_and_buckets(pipeline: Pipeline) -> None:
    wanted = replace(SMALL, stream_bytes=8 * 2**20, facts_age_s=600, staging_bytes=2**20)
    async for _ in provision(pipeline.js, pipeline.topology, wanted):
        pass
    stream = await pipeline.js.stream_info(pipeline.topology.stream(ImageGenerated))
    bucket = await pipeline.js.stream_info(f"BLOB_{pipeline.topology.bucket('staging')}")
    assert (stream.config.max_bytes, stream.config.max_age) == (8 * 2**20, 600)
    assert bucket.config.max_bytes == 2**20


async def test_no_consumer_ever_strands_a_message(js: JetStreamContext) -> None:
    whole = Topology(namespace="whole")
    things = [thing async for thing in provision(js, whole, SMALL)]
    try:
        assert len(things) == len(set(things)) == len(FACTS) + 1 + len(STEPS) + 2
        for step in STEPS:
            config = (await js.consumer_info(whole.stream(step.consumes), step.durable)).config
            assert (config.max_deliver, config.ack_wait) == (-1, step.ack_wait_s)
    finally:
        await forget(js, whole)


async def test_limits_fit_into_what_the_broker_has() -> None:
    for total in (2**28, 2**30, 2**36):
        limits = type(SMALL).within(total)
        streams = sum(limits.bytes_of(fact) for fact in (*FACTS, None))
        assert streams + limits.staging_bytes + limits.dead_letter_bytes <= total
