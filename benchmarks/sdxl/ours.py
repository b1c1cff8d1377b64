"""Our engine, with the library that it has in production."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.sdxl.avatars import Avatars
from benchmarks.sdxl.makers import LORA_SCALE, Order
from benchmarks.sdxl.scale import Scale
from services.generator.sdxl.components import Components, targets_of
from services.generator.sdxl.engine import Engine
from services.generator.sdxl.limits import EngineLimits
from services.generator.sdxl.loras.fetching.links import Reach
from services.generator.sdxl.loras.library import LibraryPlan, open_library
from services.generator.sdxl.wishes import ImageEngine, LoraWish, Wish

_LIMIT_S = 600.0
BATCH = 8


@dataclass(frozen=True, slots=True)
class Ours:
    """Every image is a wish of its own: who shares a batch is the engine's business."""

    engine: ImageEngine
    avatars: Avatars
    scale: Scale
    name: str = "Atelier"

    async def images(self, orders: Sequence[Order]) -> None:
        await asyncio.gather(*(self.engine.generate(self._wish(order)) for order in orders))

    def _wish(self, order: Order) -> Wish:
        return Wish(
            prompt=order.prompt,
            width=self.scale.px,
            height=self.scale.px,
            steps=self.scale.steps,
            cfg=self.scale.cfg,
            seed=order.number,
            lora=LoraWish(self.avatars.link(order.avatar), LORA_SCALE),
            limit_s=_LIMIT_S,
        )


@asynccontextmanager
async def opened_ours(
    components: Components, avatars: Avatars, scale: Scale, directory: Path
) -> AsyncIterator[Ours]:
    """The engine, ready."""
    plan = LibraryPlan(directory, Reach((), loopback=True))
    library = open_library(plan, targets_of(components))
    limits = EngineLimits(slots=scale.slots, rank=scale.rank, batch=BATCH, waiting=256)
    engine = Engine(components, library, limits)
    await engine.start()
    try:
        yield Ours(engine, avatars, scale)
    finally:
        await engine.close()
        await library.close()
