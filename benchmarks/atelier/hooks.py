"""Hooks as shipped, but for a copywriter who takes `BENCH_CAPTION_SECONDS`."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from benchmarks.atelier.slowness import Slowness
from services.hooks.adapters.caption_file import load_captions
from services.hooks.adapters.written_captions import WrittenCaptions
from services.hooks.app import assemble
from services.hooks.ports import Copywriter
from services.hooks.settings import HooksSettings
from shared.content import Brief
from shared.service import Service, open_service, run


@dataclass(frozen=True, slots=True)
class SlowCopywriter:
    """Takes its time, as a language model does."""

    copywriter: Copywriter
    takes_s: float

    async def draft(self, brief: Brief, piece_id: str, *, count: int) -> Sequence[str]:
        await asyncio.sleep(self.takes_s)
        return await self.copywriter.draft(brief, piece_id, count=count)


@asynccontextmanager
async def open_app(settings: HooksSettings) -> AsyncIterator[Service]:
    """Hooks as shipped, with this copywriter."""
    book = load_captions()
    limits = {platform: manners.limits for platform, manners in book.platforms.items()}
    async with open_service("hooks", settings) as service:
        assemble(
            service,
            SlowCopywriter(WrittenCaptions(book), Slowness().bench_caption_seconds),
            limits,
            enabled=settings.hook_generation_enabled,
            permits=settings.hooks_concurrency,
        )
        yield service


if __name__ == "__main__":
    run("hooks", HooksSettings, open_app)
