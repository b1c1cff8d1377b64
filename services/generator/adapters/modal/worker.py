"""The provider `modal_sdxl_lora`, whatever the way to its worker."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any, Protocol

from services.generator.adapters.modal.wire import Reply, made_of, request_of
from services.generator.domain.prices import Price
from services.generator.ports import LoraLinks, MadeImage, NoteCallId, PreparedCall
from shared.content import Brief

# An answer of 2 MB takes six times its size to read; more hands than cores would only hold more.
_READ_AT_ONCE = 2
# A refusal, a small WebP: the way to a thread and back takes as long as to read this much.
_SMALL_BYTES = 2**16


class WayToWorker(Protocol):
    """How a worker is asked, and asked again for the result of what it took on."""

    async def ask(self, order: Mapping[str, Any], note: NoteCallId) -> Reply:
        """Have an order carried out; its id is noted if it has one. Raises ProviderFailure."""
        ...

    async def result_of(self, call_id: str) -> Reply:
        """Wait for an order that was taken on before. Raises ProviderFailure."""
        ...


class ModalWorker:
    """Orders once per prepared call; retries are the handler's decision, and so is the limit."""

    name = "modal_sdxl_lora"
    model = ""  # the worker's choice
    keeps_likeness = True

    def __init__(
        self, way: WayToWorker, *, lora_links: LoraLinks, timeout_s: float, price: Price
    ) -> None:
        self._way = way
        self._lora_links = lora_links
        self._timeout_s = timeout_s
        self.price = price
        self._reading = asyncio.Semaphore(_READ_AT_ONCE)

    @property
    def call_limit_s(self) -> float:
        return self._timeout_s

    async def prepare(self, brief: Brief, *, fresh_link: bool = False) -> PreparedCall:
        # Minted for this very call: a link that waited in a queue would have expired.
        link = await self._lora_links.sign(brief.lora.key, fresh=fresh_link)
        return partial(self._generate, brief, link)

    async def resume(self, brief: Brief, call_id: str) -> MadeImage:
        return await self._read(brief, await self._way.result_of(call_id))

    async def _generate(self, brief: Brief, lora_url: str, note: NoteCallId) -> MadeImage:
        order = request_of(brief, lora_url, limit_s=self._timeout_s)
        return await self._read(brief, await self._way.ask(order, note))

    async def _read(self, brief: Brief, reply: Reply) -> MadeImage:
        cost = self.price.of_image(brief.width, brief.height)
        if isinstance(reply, bytes | bytearray) and len(reply) <= _SMALL_BYTES:
            return made_of(reply, cost)
        async with self._reading:
            return await asyncio.to_thread(made_of, reply, cost)
