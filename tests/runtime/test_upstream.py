"""Why the pull loop is our own: what FastStream's does today.

These tests fail when upstream has changed; that is good news and a reason to look again.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from faststream.nats import JStream, NatsBroker, NatsMessage, PullSub

from shared.events import ImageGenerated
from tests.builders import image_generated
from tests.eventually import eventually
from tests.runtime.pipeline import HOOK, Pipeline

RECONSIDER = "reconsider shared/pull.py, see docs/adr/0003-a-pull-loop-of-our-own.md"


class Desk:
    """A handler that keeps what `stuck` names until it is released."""

    def __init__(self, *stuck: str) -> None:
        self.stuck = stuck
        self.begun: list[str] = []
        self.release = asyncio.Event()

    async def __call__(self, message: NatsMessage) -> None:
        subject = message.raw_message.subject
        self.begun.append(subject)
        if not self.stuck or any(piece_id in subject for piece_id in self.stuck):
            await self.release.wait()


@asynccontextmanager
async def upstream(
    pipeline: Pipeline, desk: Desk, *, max_workers: int, batch_size: int
) -> AsyncIterator[None]:
    broker = NatsBroker(pipeline.url, logger=None, apply_types=False, graceful_timeout=1)
    broker.subscriber(
        pipeline.topology.subjects(ImageGenerated),
        durable=HOOK.durable,
        stream=JStream(pipeline.topology.stream(ImageGenerated), declare=False),
        pull_sub=PullSub(batch_size=batch_size, timeout=0.5),
        max_workers=max_workers,
        decoder=_whole,
    )(desk)
    async with broker:
        await broker.start()
        yield
        desk.release.set()


async def _whole(message: NatsMessage) -> NatsMessage:
    return message


async def test_faststream_still_holds_more_than_it_works_on(pipeline: Pipeline) -> None:
    await pipeline.write(*(image_generated() for _ in range(10)))
    desk = Desk()
    async with upstream(pipeline, desk, max_workers=2, batch_size=1):
        await eventually(lambda: len(desk.begun) == 2)
        held = await most_held(pipeline)
        assert len(desk.begun) == 2
    assert held > 2, (
        "FastStream fixed max_workers: a replica no longer holds messages that others could work "
        f"on; {RECONSIDER}"
    )


async def most_held(pipeline: Pipeline) -> int:
    """Messages in its hands, as soon as they are more than the two that it works on."""
    held = 0
    for _ in range(100):
        held = (await pipeline.consumer()).num_ack_pending or 0
        if held > 2:
            break
        await asyncio.sleep(0.1)
    return held


async def test_faststream_still_waits_for_the_slowest_of_a_batch(pipeline: Pipeline) -> None:
    slow, *quick = [image_generated() for _ in range(3)]
    await pipeline.write(slow, *quick)
    desk = Desk(slow.piece_id)
    async with upstream(pipeline, desk, max_workers=1, batch_size=3):
        await eventually(lambda: len(desk.begun) == 3)
        await pipeline.write(image_generated())
        await asyncio.sleep(0.8)
        begun = len(desk.begun)
    assert begun == 3, (
        "FastStream fixed batch_size: a slow message no longer holds back the next batch; "
        f"{RECONSIDER}"
    )
