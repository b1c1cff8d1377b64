"""Replicas share evenly, one slow piece holds nobody back, and permits are a promise."""

import asyncio
import time

from nats.aio.client import Client
from nats.aio.msg import Msg

from shared.events import ContentHooked, ImageGenerated
from shared.pull import PullLoop
from tests.builders import image_generated
from tests.eventually import eventually
from tests.runtime.handlers import Held, Recorder, Taking
from tests.runtime.pipeline import HOOK, Pipeline


async def waiting(pipeline: Pipeline, count: int) -> list[ImageGenerated]:
    events = [image_generated() for _ in range(count)]
    await asyncio.gather(*(pipeline.write(event) for event in events))
    return events


async def all_hooked(pipeline: Pipeline, count: int, timeout_s: float = 10.0) -> None:
    async def arrived() -> bool:
        return await pipeline.count(ContentHooked) == count and await pipeline.is_settled()

    await eventually(arrived, timeout_s)


async def test_three_replicas_share_a_queue_evenly(pipeline: Pipeline) -> None:
    await waiting(pipeline, 60)
    handlers = [Taking(seconds=0.1) for _ in range(3)]
    await asyncio.gather(*(pipeline.replica(handler, permits=2) for handler in handlers))
    await all_hooked(pipeline, 60)
    shares = [len(handler.seen) for handler in handlers]
    assert sum(shares) == 60
    assert max(shares) - min(shares) <= 6, shares


async def test_a_replica_that_comes_late_gets_its_share_of_what_is_left(
    pipeline: Pipeline,
) -> None:
    await waiting(pipeline, 60)
    first, second = Taking(seconds=0.1), Taking(seconds=0.1)
    await pipeline.replica(first, permits=3)
    await eventually(lambda: len(first.seen) >= 15)
    before = len(first.seen)
    await pipeline.replica(second, permits=3)
    await all_hooked(pipeline, 60)
    assert abs(len(second.seen) - (60 - before) / 2) <= 6


async def test_never_more_in_hand_than_permits(pipeline: Pipeline) -> None:
    await waiting(pipeline, 40)
    handler = Taking(seconds=0.02)
    await pipeline.replica(handler, permits=4)
    await all_hooked(pipeline, 40)
    assert handler.most_in_hand == 4
    assert (await pipeline.consumer()).num_redelivered == 0


async def test_the_broker_holds_what_nobody_has_a_permit_for(pipeline: Pipeline) -> None:
    await waiting(pipeline, 10)
    handler = Held()
    await pipeline.replica(handler, permits=2)
    await eventually(lambda: len(handler.seen) == 2)
    info = await pipeline.consumer()
    assert (info.num_ack_pending, info.num_pending) == (2, 8)
    handler.release.set()


async def test_one_slow_piece_holds_nobody_back(pipeline: Pipeline) -> None:
    slow, *rest = await waiting(pipeline, 30)
    handler = Taking(seconds=0.02, slow={slow.piece_id: 1.5})
    await pipeline.replica(handler, permits=3)
    started = time.monotonic()
    await eventually(lambda: len(handler.seen) == 30)
    assert time.monotonic() - started < 1.0
    await all_hooked(pipeline, 30)
    assert len(rest) == 29


async def test_a_freed_permit_takes_the_next_piece_at_once(pipeline: Pipeline) -> None:
    await waiting(pipeline, 20)
    handler = Taking(seconds=0.05)
    await pipeline.replica(handler, permits=1)
    await all_hooked(pipeline, 20)
    gaps = [later - sooner for sooner, later in zip(handler.times, handler.times[1:], strict=False)]
    assert sorted(gaps)[len(gaps) // 2] < 0.05 + 0.05


async def test_a_new_piece_is_taken_while_others_are_in_hand(pipeline: Pipeline) -> None:
    handler = Held()
    await pipeline.replica(handler, permits=3)
    for count in (1, 2, 3):
        await waiting(pipeline, 1)
        started = time.monotonic()
        await eventually(lambda wanted=count: len(handler.seen) == wanted)
        assert time.monotonic() - started < 0.5
    handler.release.set()
    await all_hooked(pipeline, 3)


async def test_an_idle_loop_hardly_speaks(pipeline: Pipeline) -> None:
    service = await pipeline.replica(Recorder(), permits=8)
    await asyncio.sleep(0.8)
    [loop] = service.loops
    assert loop.requests == 1


async def test_a_process_that_was_blocked_does_not_take_more_than_its_permits(
    pipeline: Pipeline, nc: Client
) -> None:
    """It asks anew for what it believes to be lost, and the broker then answers both requests."""
    release = asyncio.Event()

    async def hold(_msg: Msg) -> None:
        await release.wait()

    loop = PullLoop(
        nc,
        stream=pipeline.topology.stream(ImageGenerated),
        durable=HOOK.durable,
        handle=hold,
        permits=2,
        heartbeat_s=0.1,
    )
    loop.start()
    await eventually(lambda: loop.requests == 1)
    time.sleep(0.4)  # noqa: ASYNC251 - this is the point
    await eventually(lambda: loop.requests == 2)
    await waiting(pipeline, 6)
    await eventually(lambda: loop.in_flight > 0)
    most = 0
    for _ in range(20):
        most = max(most, loop.in_flight)
        await asyncio.sleep(0.01)
    assert most == 2
    release.set()
    await loop.stop(grace_s=1)
