"""Pictures as data URLs: of files here, or else of copies that storage lends."""

import asyncio
import base64
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from services.gateway.handler.door import Door
from shared.blobs import BlobMissing
from shared.calls import LEND_BYTES, LendBytes
from shared.content import BlobRef
from shared.outcomes import TryLater
from shared.problems import Problem

log = structlog.get_logger(__name__)

LEND_LIMIT_S = 10.0


async def embed(door: Door, tenant: str, keys: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Data URLs, and the keys that have none or no room in the answer: those get links."""
    answer = _Embedding(door, tenant)
    urls = await asyncio.gather(*(answer.url(key) for key in keys))
    found = {key: url for key, url in zip(keys, urls, strict=True) if url is not None}
    return found, [key for key in keys if key not in found]


@dataclass(slots=True)
class _Embedding:
    """The pictures of one answer. Once storage does not lend, it is not asked for others."""

    door: Door
    tenant: str
    lends: bool = field(default=True, init=False)

    async def url(self, key: str) -> str | None:
        async with self.door.lending:
            found = await asyncio.to_thread(self.door.files.private, key)
            if found is None:
                return await self._borrowed(key) if self.lends else None
            if not self.door.embedded.take(found.size):
                return None
            try:
                return await asyncio.to_thread(self.door.files.data_url, found)
            except FileNotFoundError:
                return None  # uploaded or taken down a moment ago

    async def _borrowed(self, key: str) -> str | None:
        name = f"shown-{self.door.new_id()}"
        try:
            wanted = LendBytes(tenant=self.tenant, key=key, name=name)
            image = (await self.door.ask(LEND_BYTES, wanted, timeout_s=LEND_LIMIT_S)).image
            return await self._read(image) if self.door.embedded.take(image.size) else None
        except (Problem, TryLater, BlobMissing) as exc:
            self.lends = self.lends and not isinstance(exc, TryLater)
            log.info("piece.not_embedded", cause=type(exc).__name__)
            return None
        finally:
            await self._give_back(name)

    async def _read(self, image: BlobRef) -> str:
        encoded = await asyncio.to_thread(base64.b64encode, await self.door.staging.get(image))
        return f"data:{image.media_type};base64,{encoded.decode('ascii')}"

    async def _give_back(self, name: str) -> None:
        try:
            await self.door.staging.forget(name)
        except TryLater as exc:
            log.warning("piece.bytes_left", name=name, cause=exc.detail)
