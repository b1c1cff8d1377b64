"""Replicas share evenly, one slow piece holds nobody back, and permits are a promise."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from shared.events import ContentHooked, ImageGenerated
from shared.pull import PullLoop
from tests.builders import image_generated
from tests.eventually import PATIENCE_S, eventually
from tests.runtime.handlers import Allowed, Held
from tests.runtime.pipeline import HOOK, Pipeline

NewLoop = Callable[..., PullLoop]


async def waiting(pipeline: Pipeline, count: int) -> list[ImageGenerated]:
    events = [image_generated() for _ in range(count)]
    await asyncio.gather(*(pipeline.write(event) for event in events))
    return events


async def all_hooked(pipeline: Pipeline, count: int) -> None:
    async def arrived() -> bool:
        return await pipeline.count(ContentHooked) == count and await pipeline.is_settled()

    await eventually(arrived)


async def test_three_replicas_share_a_queue_evenly(pipeline: Pipeline) -> None:
    await waiting(pipeline, 30)
    handlers = [Allowed() for _ in range(3)]
    await asyncio.gather(*(pipeline.replica(handler, permits=2) for handler in handlers))
    for share in (2, 4, 6, 8, 10):
        await eventually(lambda of=share: all(len(handler.seen) == of for handler in handlers))
        for handler in handlers:
            handler.allow(2)
    await all_hooked(pipeline, 30)
    assert [len(handler.seen) for handler in handlers] == [10, 10, 10]


async def test_a_replica_that_comes_late_gets_its_share_of_what_is_left(
    pipeline: Pipeline,
) -> None:
    await waiting(pipeline, 30)
    first, second = Allowed(), Allowed()
    await pipeline.replica(first, permits=3)
    first.allow(9)
    await eventually(lambda: len(first.seen) == 12)
    await pipeline.replica(second, permits=3)
    for share in (3, 6, 9):
        await eventually(lambda of=share: len(second.seen) == of == len(first.seen) - 9)
        first.allow(3)
        second.allow(3)
    for handler in (first, second):
        handler.allow(6)
    await all_hooked(pipeline, 30)


async def test_never_more_in_hand_than_permits(pipeline: Pipeline) -> None:
    await waiting(pipeline, 40)
    handler = Held()
    await pipeline.replica(handler, permits=4)
    await eventually(lambda: handler.in_hand == 4)
    handler.release.set()
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
    slow, *_ = await waiting(pipeline, 30)
    handler = Held(held={slow.piece_id})
    await pipeline.replica(handler, permits=3)

    async def others_are_hooked() -> bool:
        return await pipeline.count(ContentHooked) == 29

    await eventually(others_are_hooked)
    assert handler.in_hand == 1
    handler.release.set()
    await all_hooked(pipeline, 30)


@pytest.fixture
def new_loop(pipeline: Pipeline, nc: Client) -> NewLoop:
    """A loop that hears of nothing by asking again: its next look is later than any test waits."""

    def made(
        handle: Callable[[Msg], Awaitable[None]],
        *,
        permits: int,
        heartbeat_s: float = 2 * PATIENCE_S,
    ) -> PullLoop:
        return PullLoop(
            nc,
            stream=pipeline.topology.stream(ImageGenerated),
            durable=HOOK.durable,
            handle=handle,
            permits=permits,
            expires_s=4 * PATIENCE_S,
            heartbeat_s=heartbeat_s,
        )

    return made


async def test_a_freed_permit_takes_the_next_piece_at_once(
    pipeline: Pipeline, new_loop: NewLoop
) -> None:
    await waiting(pipeline, 20)
    loop = new_loop(Msg.ack, permits=1)
    loop.start()
    await eventually(pipeline.is_settled)
    await loop.stop(grace_s=1)


async def test_a_new_piece_is_taken_while_others_are_in_hand(
    pipeline: Pipeline, new_loop: NewLoop
) -> None:
    release = asyncio.Event()

    async def hold(msg: Msg) -> None:
        await release.wait()
        await msg.ack()

    loop = new_loop(hold, permits=3)
    loop.start()
    for count in (1, 2, 3):
        await waiting(pipeline, 1)
        await eventually(lambda wanted=count: loop.in_flight == wanted)
    release.set()
    await eventually(pipeline.is_settled)
    await loop.stop(grace_s=1)


async def test_an_idle_loop_hardly_speaks(new_loop: NewLoop) -> None:
    loop = new_loop(Msg.ack, permits=8)
    loop.start()
    await eventually(lambda: loop.requests)
    await asyncio.sleep(0.5)
    assert loop.requests == 1
    await loop.stop(grace_s=1)


async def test_a_process_that_was_blocked_does_not_take_more_than_its_permits(
    pipeline: Pipeline, new_loop: NewLoop
) -> None:
    """It asks anew for what it believes to be lost, and the broker then answers both requests."""
    release = asyncio.Event()

    async def hold(_msg: Msg) -> None:
        await release.wait()

    loop = new_loop(hold, permits=2, heartbeat_s=0.1)
    loop.start()
    await eventually(lambda: loop.requests)
    asked = loop.requests
    time.sleep(0.4)  # noqa: ASYNC251 - this is the point
    await eventually(lambda: loop.requests > asked)
    await waiting(pipeline, 6)
    await eventually(lambda: loop.in_flight == 2)
    most = 0
    for _ in range(20):
        most = max(most, loop.in_flight)
        await asyncio.sleep(0.01)
    assert most == 2
    release.set()
    await loop.stop(grace_s=1)
