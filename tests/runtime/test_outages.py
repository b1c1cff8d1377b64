"""The loop outlives its broker, its consumer and its connection, and does not spin meanwhile."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import nats
import pytest
from pydantic import SecretStr

from deploy.local.nats import EmbeddedNats
from shared.events import ContentHooked
from shared.provision import provision
from shared.service import open_service
from shared.settings import ServiceSettings
from shared.topology import Step, Topology
from tests.builders import image_generated
from tests.conftest import SMALL
from tests.eventually import PATIENCE_S, eventually
from tests.ports import free_port
from tests.runtime.handlers import Recorder, Taking
from tests.runtime.pipeline import HOOK, IMPATIENT, Pipeline, answers, open_pipeline


@pytest.fixture
def step() -> Step:
    """An acknowledgement that went down with a broker is not waited for long."""
    return IMPATIENT


@pytest.fixture
async def own_broker(tmp_path: Path) -> AsyncIterator[EmbeddedNats]:
    """A broker that this test may kill."""
    broker = EmbeddedNats(tmp_path / "nats")
    # It is free while the broker is away, and nobody else may get it then.
    broker.port = free_port()
    async with broker:
        yield broker


@pytest.fixture
async def fragile(own_broker: EmbeddedNats, topology: Topology) -> AsyncIterator[Pipeline]:
    """The step on a broker of its own."""
    nc = await nats.connect(
        own_broker.url, max_reconnect_attempts=-1, reconnect_time_wait=1, error_cb=_hush
    )
    js = nc.jetstream()
    async for _ in provision(js, topology, SMALL):
        pass
    async with open_pipeline(own_broker.url, js, topology) as opened:
        yield opened
        if not own_broker.running:
            await own_broker.start()
    await nc.close()


async def _hush(_exc: Exception) -> None:
    """The test knows that the broker is away."""


async def work_goes_on(pipeline: Pipeline, handler: Recorder) -> None:
    event = image_generated()
    await eventually(lambda: answers(pipeline.js))
    await pipeline.write(event)
    await eventually(lambda: event.piece_id in handler.seen)
    await eventually(pipeline.is_settled)


async def test_work_goes_on_after_the_broker_was_killed(
    fragile: Pipeline, own_broker: EmbeddedNats
) -> None:
    handler = Recorder()
    await fragile.replica(handler)
    await work_goes_on(fragile, handler)
    await own_broker.kill()
    await own_broker.start()
    await work_goes_on(fragile, handler)


async def test_work_goes_on_after_the_broker_was_restarted_politely(
    fragile: Pipeline, own_broker: EmbeddedNats
) -> None:
    handler = Recorder()
    await fragile.replica(handler)
    await work_goes_on(fragile, handler)
    await own_broker.stop()
    await own_broker.start()
    await work_goes_on(fragile, handler)


async def test_a_long_outage_costs_next_to_nothing(
    fragile: Pipeline, own_broker: EmbeddedNats
) -> None:
    handler = Recorder()
    service = await fragile.replica(handler, permits=4)
    [loop] = service.loops
    await own_broker.kill()
    asked, spent = loop.requests, time.process_time()
    # It tries once a second.
    await eventually(lambda: service.nc.server_pool[0].reconnects >= 4, every_s=0.5)
    assert time.process_time() - spent < 1.0
    assert loop.requests - asked <= 1
    await own_broker.start()
    await work_goes_on(fragile, handler)


async def test_nothing_is_lost_or_done_twice_when_the_broker_dies_at_work(
    fragile: Pipeline, own_broker: EmbeddedNats
) -> None:
    events = [image_generated() for _ in range(40)]
    await fragile.write(*events)
    handler = Taking(seconds=0.1)
    await fragile.replica(handler, permits=4)
    await eventually(lambda: len(handler.seen) >= 12)
    await own_broker.kill()
    await own_broker.start()
    await eventually(lambda: answers(fragile.js))

    await eventually(fragile.is_settled)
    hooked = [fact.piece_id for fact in await fragile.read(ContentHooked)]
    assert sorted(hooked) == sorted(event.piece_id for event in events)


async def test_a_lost_connection_is_not_a_lost_request(fragile: Pipeline) -> None:
    handler = Recorder()
    service = await fragile.replica(handler)
    await work_goes_on(fragile, handler)
    await service.nc.force_reconnect()
    await eventually(lambda: service.nc.is_connected)
    await work_goes_on(fragile, handler)


async def test_a_consumer_that_was_deleted_and_made_anew_is_noticed(pipeline: Pipeline) -> None:
    handler = Recorder()
    service = await pipeline.replica(handler)
    await work_goes_on(pipeline, handler)
    asked, began = service.loops[0].requests, time.monotonic()
    await pipeline.js.delete_consumer(pipeline.topology.stream(HOOK.consumes), HOOK.durable)
    await asyncio.sleep(0.9)
    async for _ in provision(pipeline.js, pipeline.topology, SMALL):
        pass
    await work_goes_on(pipeline, handler)
    assert service.loops[0].requests - asked <= 3 + (time.monotonic() - began)


async def test_a_loop_may_start_before_its_consumer_exists(pipeline: Pipeline) -> None:
    handler = Recorder()
    await pipeline.js.delete_consumer(pipeline.topology.stream(HOOK.consumes), HOOK.durable)
    await pipeline.replica(handler)
    async for _ in provision(pipeline.js, pipeline.topology, SMALL):
        pass
    await work_goes_on(pipeline, handler)


async def test_a_service_ends_in_time_while_its_broker_is_away(
    fragile: Pipeline, own_broker: EmbeddedNats
) -> None:
    service = await fragile.replica(Recorder())
    await own_broker.kill()
    await eventually(lambda: not service.nc.is_connected)
    async with asyncio.timeout(PATIENCE_S):
        await service.stop()
        await service.broker.stop()
    assert service.nc.is_closed


async def test_a_broker_that_dies_while_a_service_gets_ready_is_waited_for(
    own_broker: EmbeddedNats,
) -> None:
    settings = ServiceSettings(nats_url=SecretStr(own_broker.url))
    async with open_service("demo", settings) as service:
        await own_broker.kill()
        ready = asyncio.create_task(service.take_work())
        # Longer than it waits for one answer.
        await asyncio.sleep(4)
        assert not ready.done()
        await own_broker.start()
        await asyncio.wait_for(ready, PATIENCE_S)
