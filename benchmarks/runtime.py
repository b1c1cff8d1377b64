"""What the stage runtime costs: one step that does nothing, beside a bare loop on the same broker.

Both take a fact from one stream, publish its successor with PubAck to another and acknowledge, on
a broker that syncs every write to disk.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import nats
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js import JetStreamContext
from pydantic import SecretStr

from benchmarks._figures import Figure
from deploy.local.nats import EmbeddedNats
from shared.content import (
    BlobRef,
    Brief,
    Captions,
    CaptionSource,
    Generation,
    LoraRef,
    Platform,
)
from shared.events import ContentHalted, ContentHooked, ImageGenerated
from shared.factlog import JetStreamFactLog
from shared.ids import piece_id
from shared.provision import Limits, provision
from shared.service import open_service
from shared.settings import ServiceSettings
from shared.topology import WRITE_HOOKS, Topology

PERMITS = (1, 16, 64)
MESSAGES = 2000
ROUNDS = 2
LIMITS = Limits(stream_bytes=64 * 2**20, staging_bytes=2**20, dead_letter_bytes=2**20)


async def measure() -> Sequence[Figure]:
    """Messages a second through one do-nothing step, by permits; the better of two rounds."""
    figures = []
    with TemporaryDirectory(prefix="atelier-bench-") as directory:
        async with EmbeddedNats(Path(directory) / "nats") as broker:
            for permits in PERMITS:
                for name, run in (("stage", _stage), ("bare nats-py", _bare)):
                    rate = max([await _rate(broker.url, run, permits) for _ in range(ROUNDS)])
                    what = f"{name}, {permits} permit{'s' if permits > 1 else ''}"
                    figures.append(Figure(what, rate, "messages/s"))
    return figures


async def _rate(url: str, run: "Run", permits: int) -> float:
    async with _queue(url) as queue:
        return await run(queue, permits)


@dataclass(frozen=True, slots=True)
class Queue:
    """A step with `MESSAGES` facts waiting."""

    url: str
    js: JetStreamContext
    topology: Topology


Run = Callable[[Queue, int], Awaitable[float]]


@asynccontextmanager
async def _queue(url: str) -> AsyncIterator[Queue]:
    topology = Topology(
        f"b{uuid4().hex[:8]}",
        facts=(ImageGenerated, ContentHooked, ContentHalted),
        steps=(WRITE_HOOKS,),
    )
    nc = await nats.connect(url)
    js = nc.jetstream()
    async for _ in provision(js, topology, LIMITS):
        pass
    facts = JetStreamFactLog(js, topology, source="/benchmarks")
    for _ in range(0, MESSAGES, 100):
        await asyncio.gather(*(facts.write(_event()) for _ in range(100)))
    yield Queue(url, js, topology)
    await nc.close()


async def _stage(queue: Queue, permits: int) -> float:
    settings = ServiceSettings(
        nats_url=SecretStr(queue.url), nats_namespace=queue.topology.namespace
    )
    handler = Hook()
    async with open_service("benchmark", settings) as service:
        service.stage(WRITE_HOOKS, handler, permits=permits)
        started = time.perf_counter()
        await service.start()
        await handler.last.wait()
        # Stopping waits for the facts that are still being written.
        await service.stop()
        return MESSAGES / (time.perf_counter() - started)


async def _bare(queue: Queue, permits: int) -> float:
    nc = await nats.connect(queue.url)
    js = nc.jetstream()
    subscription = await js.pull_subscribe_bind(
        WRITE_HOOKS.durable, queue.topology.stream(ImageGenerated)
    )
    started, done = time.perf_counter(), 0
    while done < MESSAGES:
        try:
            messages = await subscription.fetch(permits, timeout=1)
        except NatsTimeoutError:
            continue
        await asyncio.gather(
            *(
                js.publish(f"{queue.topology.namespace}.content.hooked.{done}.{index}", msg.data)
                for index, msg in enumerate(messages)
            )
        )
        for message in messages:
            await message.ack()
        done += len(messages)
    rate = MESSAGES / (time.perf_counter() - started)
    await nc.close()
    return rate


class Hook:
    """Does nothing, and knows when it has done so for everybody."""

    def __init__(self) -> None:
        self.left = MESSAGES
        self.last = asyncio.Event()

    async def __call__(self, event: ImageGenerated) -> ContentHooked:
        self.left -= 1
        if not self.left:
            self.last.set()
        captions = Captions(source=CaptionSource.TEMPLATE, hooks=("Golden hour.",))
        return ContentHooked.following(event, captions=captions)


def _event() -> ImageGenerated:
    task_id, now = str(uuid4()), datetime.now(UTC)
    return ImageGenerated(
        tenant="default",
        task_id=task_id,
        piece_id=piece_id(task_id, 0),
        run=1,
        accepted_at=now,
        deadline_at=now + timedelta(minutes=15),
        brief=Brief(
            avatar_id=task_id,
            platform=Platform.INSTAGRAM,
            prompt="TOK_a, a portrait in soft window light",
            seed=7,
            lora=LoraRef(key="loras/a.safetensors"),
        ),
        image=BlobRef(uri="jetstream://s/p/1/x", sha256="0" * 64, size=1, media_type="image/png"),
        generation=Generation(
            provider="preview",
            model="preview-1",
            attempt_id="a-1",
            seed=7,
            steps=28,
            cfg_scale=5.5,
            width=1024,
            height=1024,
            lora_applied=True,
            lora_scale=0.9,
            generation_time_ms=0,
            cost_usd_micros=0,
        ),
    )
