"""What the router adds to a call: leave, slot, breaker, gate, staging and settlement around it."""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from benchmarks._figures import percentile
from benchmarks.atelier.generator import SizedGate, SizedOrders
from benchmarks.provider.image import SMALL_PX
from benchmarks.provider.running import running_worker
from services.generator.adapters.image_gate import PillowGate
from services.generator.adapters.modal.provider import ModalProvider
from services.generator.adapters.price_file import read_prices
from services.generator.adapters.vendor_http import vendor_client
from services.generator.handler.buying import BuyImage
from services.generator.handler.generation import GenerateImage
from services.generator.handler.outage import Outage
from services.generator.handler.route import Limits, Route
from services.generator.handler.routing import Routing
from shared.content import BlobRef
from tests.builders import content_requested
from tests.fakes import MemoryBlobs
from tests.generator.fakes import EarlierImages, RecordingAttempts

_CALLS = 400
_WARM_UP = 50


@dataclass(frozen=True, slots=True)
class Overhead:
    """Milliseconds of one call: through the router, and by the provider's client alone."""

    routed_p50_ms: float
    routed_p99_ms: float
    bare_p50_ms: float
    bare_p99_ms: float

    @property
    def added_p50_ms(self) -> float:
        """What the router costs."""
        return self.routed_p50_ms - self.bare_p50_ms


class NoLinks:
    """The stub fetches no weights."""

    async def sign(self, key: str, *, fresh: bool = False) -> str:
        del fresh
        return f"https://objects.invalid/{key}"


class Forgetful(MemoryBlobs):
    """Staging that keeps nothing, so that it stays as fast as it began."""

    async def put(self, name: str, data: bytes, *, media_type: str) -> BlobRef:
        ref = await super().put(name, data, media_type=media_type)
        await self.delete(ref)
        return ref


async def router_overhead() -> Overhead:
    """One call after the other to a worker that answers at once, both ways in turns."""
    price = (await asyncio.to_thread(read_prices)).price("modal_sdxl_lora")
    async with running_worker() as worker, vendor_client(30) as client:
        modal = ModalProvider(
            client, url=worker.url, token=None, lora_links=NoLinks(), timeout_s=30, price=price
        )
        provider = SizedOrders(modal, SMALL_PX)
        handler = GenerateImage(
            routing=Routing([Route(provider, Limits(4))]),
            # What the ledger takes is not the router's.
            buy=BuyImage(RecordingAttempts(), Forgetful(), SizedGate(PillowGate(), SMALL_PX)),
            substitutes=EarlierImages(),
            outage=Outage(0),
        )
        event = content_requested(deadline_at=datetime.now(UTC) + timedelta(hours=1))
        routed_s, bare_s = [], []
        for number in range(_CALLS + _WARM_UP):
            began = time.perf_counter()
            await handler(event)
            between = time.perf_counter()
            await (await provider.prepare(event.brief))(_no_note)
            ended = time.perf_counter()
            if number >= _WARM_UP:
                routed_s.append(between - began)
                bare_s.append(ended - between)
    return Overhead(
        *(
            percentile(took_s, share) * 1000
            for took_s in (routed_s, bare_s)
            for share in (0.5, 0.99)
        )
    )


async def _no_note(_: str) -> None:
    return None
