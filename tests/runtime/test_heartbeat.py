"""A handler that takes longer than the broker's patience runs once."""

import asyncio
from dataclasses import dataclass, replace

import pytest

from shared.events import ContentHooked
from shared.stage import Stage
from shared.topology import WRITE_HOOKS, Step, Topology
from tests.builders import image_generated
from tests.eventually import eventually
from tests.runtime.fakes import HandedOut, MemoryDeadLetters, MemoryFactLog
from tests.runtime.handlers import Held, Recorder, Taking
from tests.runtime.pipeline import IMPATIENT, Pipeline


@pytest.fixture
def step() -> Step:
    return IMPATIENT


@pytest.mark.parametrize("step", [replace(IMPATIENT, ack_wait_s=2.5)], ids=["two-seconds"])
async def test_a_slow_handler_is_not_run_again_beside_itself(
    pipeline: Pipeline, step: Step
) -> None:
    await pipeline.write(image_generated())
    handlers = [Taking(seconds=1.2 * step.ack_wait_s), Taking(seconds=1.2 * step.ack_wait_s)]
    for handler in handlers:
        # A quick heart: a busy machine may miss ten beats of it.
        await pipeline.replica(handler, permits=2, step=replace(step, ack_wait_s=0.6))

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
    await pipeline.replica(handler, permits=3, step=replace(IMPATIENT, ack_wait_s=3600))

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


@dataclass
class Clock:
    """The loop's own, moved by hand."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now

    async def passes(self, seconds: int) -> None:
        """Let that much time go by, and whatever is due happen."""
        for _ in range(10 * seconds):
            self.now += 0.1
            await asyncio.sleep(0)
            await asyncio.sleep(0)


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    loop = asyncio.get_running_loop()
    clock = Clock(loop.time())
    monkeypatch.setattr(loop, "time", clock)
    return clock


async def test_it_beats_three_times_within_the_brokers_patience(clock: Clock) -> None:
    handler = Held()
    stage = Stage(WRITE_HOOKS, handler, MemoryFactLog(), MemoryDeadLetters(), Topology())
    delivery = HandedOut.of(image_generated())
    task = asyncio.create_task(stage.settle(delivery))
    await asyncio.sleep(0)
    await clock.passes(int(WRITE_HOOKS.ack_wait_s) + 1)
    assert delivery.beats == 3
    handler.release.set()
    await task
    await clock.passes(int(WRITE_HOOKS.ack_wait_s))
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
