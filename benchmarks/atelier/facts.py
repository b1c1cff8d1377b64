"""When the broker took in each fact about each piece, read from the streams afterwards."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

import nats
from nats.aio.client import Client

from benchmarks._figures import percentile
from shared.events import (
    ContentHooked,
    ContentModerated,
    ContentPersisted,
    ContentRequested,
    ContentStored,
    Fact,
    ImageGenerated,
)
from shared.topology import Topology

ROAD: tuple[type[Fact], ...] = (
    ContentRequested,
    ImageGenerated,
    ContentHooked,
    ContentModerated,
    ContentStored,
    ContentPersisted,
)
_AT_ONCE = 64

Moments = Mapping[str, Mapping[str, float]]
"""Seconds of the wall clock by fact and piece."""


@dataclass(frozen=True, slots=True)
class Stage:
    """How long pieces took from one fact to the next, in milliseconds."""

    name: str
    p50_ms: float
    p99_ms: float


async def moments(endpoint: Mapping[str, Any], pieces: Collection[str]) -> Moments:
    """When each of these pieces came to each fact."""
    nc = await nats.connect(
        endpoint["nats_url"],
        nkeys_seed=endpoint["nats_seed_files"]["operator"],
        inbox_prefix="_INBOX_operator",
    )
    try:
        return {fact.NAME: await _of_fact(nc, fact, frozenset(pieces)) for fact in ROAD}
    finally:
        await nc.close()


def stages(seen: Moments) -> list[Stage]:
    """The steps of the road, and the whole of it."""
    names = [fact.NAME for fact in ROAD]
    steps = [*pairwise(names), (names[0], names[-1])]
    return [_stage(seen, earlier, later) for earlier, later in steps]


def _stage(seen: Moments, earlier: str, later: str) -> Stage:
    took = [at - seen[earlier][piece] for piece, at in seen[later].items()]
    return Stage(
        f"{earlier} → {later}", percentile(took, 0.5) * 1000, percentile(took, 0.99) * 1000
    )


async def _of_fact(nc: Client, fact: type[Fact], pieces: frozenset[str]) -> dict[str, float]:
    stream = Topology().stream(fact)
    state = (await nc.jetstream().stream_info(stream)).state
    # Newest first: what is asked for lies at the end.
    wanted = iter(range(state.last_seq, state.first_seq - 1, -1))
    found: dict[str, float] = {}

    async def read() -> None:
        for sequence in wanted:
            if len(found) == len(pieces):
                return
            answer = await nc.request(
                f"$JS.API.DIRECT.GET.{stream}", b'{"seq":%d}' % sequence, timeout=10
            )
            headers = answer.headers or {}
            piece = headers["Nats-Subject"].split(".")[-2]
            if piece in pieces:
                found[piece] = _seconds(headers["Nats-Time-Stamp"])

    await asyncio.gather(*(read() for _ in range(_AT_ONCE)))
    return found


def _seconds(moment: str) -> float:
    # The server writes nanoseconds, of which datetime reads six digits.
    whole, _, fraction = moment.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole}+00:00").timestamp() + float(f"0.{fraction or 0}")
