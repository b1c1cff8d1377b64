"""A handler that takes longer than the broker's patience runs once."""

import asyncio
from dataclasses import replace

from shared.events import ContentHooked
from shared.stage import Stage
from shared.topology import WRITE_HOOKS, Topology
from tests.builders import image_generated
from tests.eventually import eventually
from tests.runtime.fakes import HandedOut, MemoryDeadLetters, MemoryFactLog
from tests.runtime.handlers import Held, Recorder, Taking
from tests.runtime.pipeline import HOOK, Pipeline


async def test_a_slow_handler_is_not_run_again_beside_itself(pipeline: Pipeline) -> None:
    await pipeline.write(image_generated())
    handlers = [Taking(seconds=2.5 * HOOK.ack_wait_s), Taking(seconds=2.5 * HOOK.ack_wait_s)]
    for handler in handlers:
        await pipeline.replica(handler, permits=2)

    async def written() -> bool:
        return await pipeline.count(ContentHooked) == 1 and await pipeline.is_settled()

    await eventually(written)
    assert sum(len(handler.seen) for handler in handlers) == 1


async def test_a_replica_that_lost_its_heartbeat_does_not_begin_again(
    pipeline: Pipeline,
) -> None:
    await pipeline.write(image_generated())
    handler = Held()
    # So slow a heart that the broker takes the replica for dead.
    await pipeline.replica(handler, permits=3, step=replace(HOOK, ack_wait_s=3600))

    await eventually(pipeline.redelivered)
    handler.release.set()

    async def written() -> bool:
        return await pipeline.count(ContentHooked) == 1

    await eventually(written)
    assert len(handler.seen) == 1


async def test_a_replica_that_vanished_is_replaced(pipeline: Pipeline) -> None:
    await pipeline.write(image_generated())
    stuck, other = Held(), Recorder()
    service = await pipeline.replica(stuck)
    await eventually(lambda: stuck.seen)
    # The connection is gone, and with it the heartbeat.
    await service.nc.close()
    await pipeline.replica(other)
    await eventually(lambda: other.seen)
    stuck.release.set()


async def test_it_beats_three_times_within_the_brokers_patience() -> None:
    handler = Held()
    step = replace(WRITE_HOOKS, ack_wait_s=0.3)
    stage = Stage(step, handler, MemoryFactLog(), MemoryDeadLetters(), Topology())
    delivery = HandedOut.of(image_generated())
    task = asyncio.create_task(stage.settle(delivery))
    await asyncio.sleep(0.35)
    assert delivery.beats == 3
    handler.release.set()
    await task
    await asyncio.sleep(0.2)
    assert delivery.beats == 3


async def test_the_same_message_again_waits_for_the_first() -> None:
    handler = Held()
    stage = Stage(WRITE_HOOKS, handler, MemoryFactLog(), MemoryDeadLetters(), Topology())
    event = image_generated()
    first, second = HandedOut.of(event), HandedOut.of(event, deliveries=2)
    task = asyncio.create_task(stage.settle(first))
    await eventually(lambda: handler.seen)
    await stage.settle(second)
    assert second.handed_back == [WRITE_HOOKS.ack_wait_s]
    handler.release.set()
    await task
    assert (first.acks, len(handler.seen)) == (1, 1)
