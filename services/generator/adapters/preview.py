"""The `preview` provider: draws a labelled placeholder portrait on this machine, for nothing."""

import asyncio
from functools import partial

from services.generator.ports import MadeImage, PreparedCall
from services.generator.preview.painter import paint
from shared.content import Brief


class PreviewProvider:
    """Draws the same face for the same avatar, composed by template and seed."""

    name = "preview"
    call_limit_s = 10.0

    async def prepare(self, brief: Brief) -> PreparedCall:
        return partial(self._draw, brief)

    async def _draw(self, brief: Brief) -> MadeImage:
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
            media_type="image/png",
            model="preview-painter",
            seed=brief.seed,
            steps=brief.steps,
            cfg_scale=brief.cfg_scale,
            lora_applied=False,
            lora_scale=brief.lora.scale,
            cost_usd_micros=0,
            preview=True,
        )
