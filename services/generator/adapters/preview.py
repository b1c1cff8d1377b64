"""The `preview` provider: draws a labelled placeholder portrait on this machine, for nothing."""

import asyncio
from functools import partial

from services.generator.domain.prices import Price
from services.generator.ports import MadeImage, NoteCallId, PreparedCall
from services.generator.preview.painter import paint
from shared.content import Brief


class PreviewProvider:
    """Draws the same face for the same avatar, composed by template and seed."""

    name = "preview"
    model = "preview-painter"
    call_limit_s = 10.0
    keeps_likeness = True  # the same face for the same avatar, drawn as it is

    def __init__(self, price: Price) -> None:
        self.price = price

    async def prepare(self, brief: Brief, *, fresh_link: bool = False) -> PreparedCall:
        del fresh_link  # it needs no weights
        return partial(self._draw, brief)

    async def _draw(self, brief: Brief, _: NoteCallId) -> MadeImage:
        data = await asyncio.to_thread(
            paint,
            avatar_id=brief.avatar_id,
            scene=brief.scene,
            framing=brief.framing,
            seed=brief.seed,
            width=brief.width,
            height=brief.height,
        )
        return MadeImage(
            data=data,
            model=self.model,
            seed=brief.seed,
            steps=brief.steps,
            cfg_scale=brief.cfg_scale,
            lora_applied=False,
            lora_scale=brief.lora.scale,
            cost_usd_micros=0,
            preview=True,
        )
