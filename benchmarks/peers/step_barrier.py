"""A batch as one process does it: all images, then all captions, then all verdicts, then all files.

Asyncio, the same worker and the same numbers at a time as in the pipeline. Nothing is written down
on the way, so a crash loses the batch; only the waiting is compared.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx2

from benchmarks.measures.pace import Pace
from benchmarks.provider.running import Provider

Step = Callable[[int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class BarrierFigures:
    """Seconds from the start to the end of the images, the first piece and the last."""

    images_s: float
    first_s: float
    last_s: float


async def run_batch(pieces: int, pace: Pace, worker: Provider, directory: Path) -> BarrierFigures:
    """Do a batch of so many pieces step by step."""
    images: dict[int, bytes] = {}
    finished_at: list[float] = []
    async with httpx2.AsyncClient(timeout=300, trust_env=False) as client:

        async def generate(piece: int) -> None:
            answer = await client.post(worker.url, json=_request(piece))
            images[piece] = answer.raise_for_status().content

        async def store(piece: int) -> None:
            await asyncio.sleep(pace.upload_s)
            await asyncio.to_thread((directory / str(piece)).write_bytes, images[piece])
            finished_at.append(time.perf_counter())

        began = time.perf_counter()
        await _all(pieces, generate, at_once=pace.image_slots)
        images_at = time.perf_counter()
        await _all(pieces, _waiting(pace.caption_s), at_once=pace.caption_slots)
        await _all(pieces, _waiting(pace.judge_s), at_once=pace.judge_slots)
        await _all(pieces, store, at_once=pace.upload_slots)
    return BarrierFigures(images_at - began, finished_at[0] - began, finished_at[-1] - began)


async def _all(pieces: int, step: Step, *, at_once: int) -> None:
    slots = asyncio.Semaphore(at_once)

    async def one(piece: int) -> None:
        async with slots:
            await step(piece)

    await asyncio.gather(*(one(piece) for piece in range(pieces)))


def _waiting(seconds: float) -> Step:
    async def wait(_: int) -> None:
        await asyncio.sleep(seconds)

    return wait


def _request(seed: int) -> dict[str, object]:
    return {"prompt": "a portrait", "seed": seed, "steps": 28, "cfg": 5.5}
