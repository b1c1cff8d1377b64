"""Run a chain of hops, one process each, and measure it."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig

from benchmarks._figures import percentile
from benchmarks._processes import running
from benchmarks.measures.rates import steady_rate
from benchmarks.peers.chains.hops import BODY, STEPS, Hop, subject
from deploy.local.nats import EmbeddedNats

KINDS = {"bare nats-py": "bare", "FastStream": "framework"}

_SINGLES, _SINGLES_PER_S = 100, 20
_PUBLISHED_AT_ONCE = 100
_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class ChainFigures:
    """Messages a second through the whole chain, and how long one takes in an idle chain."""

    steady_per_s: float
    p50_ms: float
    p99_ms: float


class Arrivals:
    """When each piece was seen at the chain's end."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}
        self._news = asyncio.Event()

    async def see(self, message: Msg) -> None:
        """Take note of one."""
        self.at.setdefault(message.subject.rpartition(".")[2], time.perf_counter())
        self._news.set()

    async def until(self, count: int) -> None:
        """Return when `count` have come; raises TimeoutError."""
        async with asyncio.timeout(_LIMIT_S):
            while len(self.at) < count:
                self._news.clear()
                await self._news.wait()


async def measure_chain(kind: str, pieces: int) -> ChainFigures:
    """Send single pieces through an idle chain of this kind, then `pieces` of them at once."""
    with TemporaryDirectory(prefix="atelier-chain-") as directory:
        async with (
            EmbeddedNats(Path(directory) / "nats") as server,
            _connected(server.url) as nc,
        ):
            await _streams(nc)
            with _hops(KINDS[kind], server.url, Path(directory) / "hops.log"):
                return await _figures(nc, pieces)


async def _figures(nc: Client, pieces: int) -> ChainFigures:
    arrivals = Arrivals()
    await nc.subscribe(subject(f"HOP{STEPS}", "*"), cb=arrivals.see)
    await _send(nc, [_piece()])
    await arrivals.until(1)
    sent: dict[str, float] = {}
    for _ in range(_SINGLES):
        piece = _piece()
        sent[piece] = time.perf_counter()
        await _send(nc, [piece])
        await asyncio.sleep(1 / _SINGLES_PER_S)
    await arrivals.until(1 + _SINGLES)
    took_ms = [(arrivals.at[piece] - at) * 1000 for piece, at in sent.items()]
    arrivals.at.clear()
    await _send(nc, [_piece() for _ in range(pieces)])
    await arrivals.until(pieces)
    return ChainFigures(
        steady_rate(sorted(arrivals.at.values())),
        percentile(took_ms, 0.5),
        percentile(took_ms, 0.99),
    )


async def _send(nc: Client, pieces: list[str]) -> None:
    js = nc.jetstream()
    for begin in range(0, len(pieces), _PUBLISHED_AT_ONCE):
        some = pieces[begin : begin + _PUBLISHED_AT_ONCE]
        await asyncio.gather(*(js.publish(subject("HOP0", piece), BODY) for piece in some))


async def _streams(nc: Client) -> None:
    js = nc.jetstream()
    for step in range(STEPS + 1):
        await js.add_stream(name=f"HOP{step}", subjects=[subject(f"HOP{step}", "*")])
    for hop in (Hop("", step) for step in range(STEPS)):
        config = ConsumerConfig(
            durable_name=hop.durable,
            filter_subject=subject(hop.taken, "*"),
            ack_policy=AckPolicy.EXPLICIT,
            max_ack_pending=2000,
        )
        await js.add_consumer(hop.taken, config)


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Client]:
    nc = await nats.connect(url)
    try:
        yield nc
    finally:
        await nc.close()


@contextmanager
def _hops(module: str, url: str, log_file: Path) -> Iterator[None]:
    command = [sys.executable, "-m", f"benchmarks.peers.chains.{module}"]
    with ExitStack() as stack:
        for step in range(STEPS):
            environment = {**os.environ, **Hop(url, step).environment()}
            hop = running(command, environment=environment, log_file=log_file)
            stack.enter_context(hop)
        yield


def _piece() -> str:
    return uuid4().hex
