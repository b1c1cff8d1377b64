"""The same images from providers that fail and stall, through our router and through LiteLLM's."""

import asyncio
import json
import os
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass

import asyncpg
import httpx2

from benchmarks._figures import percentile
from benchmarks._processes import ROOT, output_of
from benchmarks._progress import Progress
from benchmarks.atelier.running import Atelier, running_atelier
from benchmarks.provider.faulty import FIGURES_PATH
from benchmarks.provider.image import SMALL_PX
from benchmarks.provider.running import Provider, running_faulty

PACKAGES = ROOT / ".venv" / "benchmark-router-packages"
REPLICAS = 3


@dataclass(frozen=True, slots=True)
class Terms:
    """What both routers are told: limits of a call, tries of a provider, calls at a time."""

    images: int = 1_500
    call_limit_s: float = 3.0
    retries: int = 1
    at_once: int = 4
    """Images at a time in each replica."""
    most_a_provider: int = 10
    """Calls that a provider takes from all replicas together."""
    takes_s: float = 0.2

    @property
    def deadline_s(self) -> float:
        """How long an image may take when every call of every provider but the last one stalls."""
        return 3 * (self.retries + 1) * self.call_limit_s + 5.0


FAILS, STALLS = (0.30, 0.02, 0.02), (0.05, 0.0, 0.0)
"""Shares of calls by provider: the first one is in a bad way."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of the images, and what the providers saw."""

    asked: int
    made: int
    p50_s: float
    p99_s: float
    calls: int
    most_at_once: tuple[int, ...]

    @property
    def success_rate(self) -> float:
        """Share of the images that were made."""
        return self.made / self.asked


class LiteLlmMissing(Exception):
    """The message says how to install it."""


def check() -> None:
    """Raise LiteLlmMissing unless it is installed."""
    if not (PACKAGES / "litellm").is_dir():
        where = PACKAGES.relative_to(ROOT)
        pip = f"./dev python -m pip install --require-hashes --target {where}"
        raise LiteLlmMissing(f"install LiteLLM: {pip} -r requirements/bench-router.txt")


async def through_atelier(terms: Terms, progress: Progress) -> Seen:
    """All images through the real pipeline with three generators and the ledger's leases."""
    async with AsyncExitStack() as stack:
        origins = await _providers(stack, terms)
        progress.begin(f"{terms.images:,} images through {REPLICAS} generators")
        settings = {
            "BENCH_ROUTE_ORIGINS": ",".join(origins),
            "BENCH_ROUTE_TERMS": json.dumps(asdict(terms)),
            "GENERATOR_CONCURRENCY": str(terms.at_once),
        }
        nobody = Provider(f"{origins[0]}/generate-image", os.getpid())
        atelier = await stack.enter_async_context(
            running_atelier(
                nobody, image_px=SMALL_PX, settings=settings, scale={"generator": REPLICAS}
            )
        )
        await stack.enter_async_context(progress.watching(atelier.ends.count, of=terms.images))
        await atelier.order_many(terms.images)
        await atelier.ends.until(terms.images)
        took_s = await _took(atelier)
        return await _seen(origins, terms.images, took_s)


async def _took(atelier: Atelier) -> list[float]:
    """Seconds from the first call of each image to the one that made it."""
    connection = await asyncpg.connect(atelier.endpoint["database_url"])
    try:
        rows = await connection.fetch(
            "SELECT extract(epoch FROM max(opened_at) - min(opened_at)) + "
            "max(duration_ms) FILTER (WHERE outcome = 'succeeded') / 1000.0 AS took_s "
            "FROM attempts GROUP BY piece_id HAVING bool_or(outcome = 'succeeded')"
        )
    finally:
        await connection.close()
    return [float(row["took_s"]) for row in rows]


async def through_litellm(terms: Terms, progress: Progress) -> Seen:
    """The same in three processes of LiteLLM's router."""
    check()
    async with AsyncExitStack() as stack:
        origins = await _providers(stack, terms)
        progress.begin(f"{terms.images:,} images through {REPLICAS} routers of LiteLLM")
        order = asdict(terms) | {"origins": origins, "images": terms.images // REPLICAS}
        replicas = await asyncio.gather(*(litellm(order) for _ in range(REPLICAS)))
        took_s = [took for replica in replicas for took in replica["took_s"]]
        return await _seen(origins, terms.images // REPLICAS * REPLICAS, took_s)


async def litellm(order: dict[str, object]) -> dict[str, list[float]]:
    """What one process of it makes of an order."""
    paths = os.pathsep.join([str(PACKAGES), str(ROOT)])
    environment = {
        **os.environ,
        "PYTHONPATH": paths,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "NO_PROXY": "127.0.0.1",
    }
    module = "benchmarks.peers.litellm_router"
    printed = await output_of(module, json.dumps(order), environment=environment)
    answer: dict[str, list[float]] = json.loads(printed.splitlines()[-1])
    return answer


async def _providers(stack: AsyncExitStack, terms: Terms) -> list[str]:
    return [
        await stack.enter_async_context(
            running_faulty(fails=fails, stalls=stalls, takes_s=terms.takes_s, seed=seed)
        )
        for seed, (fails, stalls) in enumerate(zip(FAILS, STALLS, strict=True))
    ]


async def _seen(origins: Sequence[str], asked: int, took_s: list[float]) -> Seen:
    async with httpx2.AsyncClient(trust_env=False) as client:
        figures = [(await client.get(origin + FIGURES_PATH)).json() for origin in origins]
    return Seen(
        asked,
        len(took_s),
        percentile(took_s, 0.5),
        percentile(took_s, 0.99),
        sum(each.get("calls", 0) for each in figures),
        tuple(each["most_at_once"] for each in figures),
    )
