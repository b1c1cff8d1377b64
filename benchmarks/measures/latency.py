"""How long one piece takes when there is little to do."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks._figures import percentile
from benchmarks._progress import Progress
from benchmarks.atelier.facts import Stage, moments, stages
from benchmarks.atelier.running import Atelier

ORDERS_PER_S = 5
SECONDS = 20


@dataclass(frozen=True, slots=True)
class Latency:
    """From before the POST until the fact `content.persisted` is heard, in milliseconds."""

    p50_ms: float
    p99_ms: float
    stages: Sequence[Stage]


async def latency(atelier: Atelier, progress: Progress) -> Latency:
    """Order single pieces at an even pace, whatever becomes of those before."""
    progress.begin(f"{ORDERS_PER_S} single pieces a second for {SECONDS} s")
    atelier.ends.forget()
    orders = ORDERS_PER_S * SECONDS
    begin = time.monotonic()
    posts = []
    for order in range(orders):
        await asyncio.sleep(max(0.0, begin + order / ORDERS_PER_S - time.monotonic()))
        posts.append(asyncio.create_task(_post(atelier)))
    posted = dict(await asyncio.gather(*posts))
    await atelier.ends.until(orders)
    took_ms = [(atelier.ends.of_task(task)[0] - at) * 1000 for task, at in posted.items()]
    seen = await moments(atelier.endpoint, atelier.ends.persisted_at)
    return Latency(percentile(took_ms, 0.5), percentile(took_ms, 0.99), stages(seen))


async def _post(atelier: Atelier) -> tuple[str, float]:
    at = time.time()
    return await atelier.order(1), at
