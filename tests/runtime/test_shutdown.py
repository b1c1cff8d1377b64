"""A replica that stops leaves nothing behind that others would have to wait for."""

import asyncio

from nats.aio.client import Client
from nats.aio.msg import Msg

from shared.events import ContentHooked
from shared.pull import PullLoop
from tests.builders import image_generated
from tests.eventually import PATIENCE_S, eventually
from tests.runtime.handlers import Held, Recorder, Taking
from tests.runtime.pipeline import HOOK, Pipeline

# None of these tests waits as long as the broker would wait for a replica that vanished.
assert HOOK.ack_wait_s > PATIENCE_S


async def test_what_was_not_begun_goes_to_another_replica_at_once(pipeline: Pipeline) -> None:
    await asyncio.gather(*(pipeline.write(image_generated()) for _ in range(30)))
    leaving, staying = Taking(seconds=0.2), Taking(seconds=0.01)
    service = await pipeline.replica(leaving, permits=8)
    await eventually(lambda: len(leaving.seen) >= 8)
    await asyncio.gather(service.stop(), pipeline.replica(staying, permits=8))

    async def all_done() -> bool:
        return await pipeline.count(ContentHooked) == 30 and await pipeline.is_settled()

    await eventually(all_done)
    assert set(leaving.seen).isdisjoint(staying.seen)


async def test_what_is_on_its_way_when_a_loop_stops_is_not_stranded(
    pipeline: Pipeline, nc: Client
) -> None:
    async def take(msg: Msg) -> None:
        await msg.ack()

    def new_loop() -> PullLoop:
        stream = pipeline.topology.stream(HOOK.consumes)
        return PullLoop(nc, stream=stream, durable=HOOK.durable, handle=take, permits=8)

    for moment in range(20):
        loop = new_loop()
        loop.start()
        await eventually(lambda asked=loop: asked.requests > 0)
        events = [image_generated() for _ in range(8)]
        await asyncio.gather(pipeline.write(*events), _stop_after(loop, moment * 0.0005))
    last = new_loop()
    last.start()
    await eventually(pipeline.is_settled)
    await last.stop(grace_s=1)


async def _stop_after(loop: PullLoop, seconds: float) -> None:
    await asyncio.sleep(seconds)
    await loop.stop(grace_s=1)


async def test_what_was_begun_is_finished(pipeline: Pipeline) -> None:
    await pipeline.write(image_generated())
    handler = Held()
    service = await pipeline.replica(handler)
    await eventually(lambda: handler.seen)
    stopping = asyncio.create_task(service.stop())
    await eventually(lambda: service.loops[0].is_stopping)
    handler.release.set()
    await stopping
    assert handler.cancelled == 0
    assert await pipeline.count(ContentHooked) == 1
    assert await pipeline.is_settled()


async def test_what_outlives_the_grace_is_handed_back(pipeline: Pipeline) -> None:
    await pipeline.write(image_generated())
    stuck, next_one = Held(), Recorder()
    service = await pipeline.replica(stuck)
    await eventually(lambda: stuck.seen)
    [loop] = service.loops
    await loop.stop(grace_s=0.2)
    assert stuck.cancelled == 1
    await pipeline.replica(next_one)
    await eventually(lambda: next_one.seen)


async def test_a_handler_that_will_not_be_cancelled_does_not_hold_up_the_end(
    pipeline: Pipeline,
) -> None:
    release = asyncio.Event()

    async def stubborn(_event: object) -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    await pipeline.write(image_generated())
    service = await pipeline.replica(stubborn)
    [loop] = service.loops
    await eventually(lambda: loop.in_flight == 1)
    async with asyncio.timeout(PATIENCE_S):
        await loop.stop(grace_s=0.1)
    release.set()
    await eventually(lambda: loop.in_flight == 0)


async def test_a_stopped_loop_takes_nothing_more(pipeline: Pipeline) -> None:
    handler = Recorder()
    service = await pipeline.replica(handler)
    await service.stop()
    await pipeline.write(image_generated())
    await asyncio.sleep(0.3)
    assert handler.seen == []
    assert (await pipeline.consumer()).num_pending == 1


async def test_what_a_service_holds_is_closed_after_the_last_piece(pipeline: Pipeline) -> None:
    await pipeline.write(image_generated())
    handler = Taking(seconds=0.3)
    service = await pipeline.open()
    service.stage(HOOK, handler, permits=1)
    order: list[int] = []

    async def close() -> None:
        order.append(await pipeline.count(ContentHooked))

    service.on_stop(close)
    await service.start()
    await eventually(lambda: handler.seen)
    await service.stop()
    assert order == [1]
