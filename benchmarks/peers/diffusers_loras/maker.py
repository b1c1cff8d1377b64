"""A server around diffusers' pipeline as one would write it: a queue, and one call at a time."""

import asyncio
import io
from collections.abc import Sequence
from itertools import groupby

import torch
from diffusers import StableDiffusionXLPipeline
from PIL import Image

from benchmarks.peers.diffusers_loras.ways import Way
from benchmarks.sdxl.avatars import Avatars
from benchmarks.sdxl.makers import LORA_SCALE, Order
from benchmarks.sdxl.scale import Scale


class DiffusersMaker:
    """Images of one avatar that come together share a call; weights change only when they must."""

    def __init__(
        self, pipeline: StableDiffusionXLPipeline, way: Way, avatars: Avatars, scale: Scale
    ) -> None:
        pipeline.set_progress_bar_config(disable=True)
        if pipeline.device.type == "cuda":
            pipeline.unet.to(memory_format=torch.channels_last)
            pipeline.vae.to(memory_format=torch.channels_last)
        self._pipeline = pipeline
        self._way = way
        self._avatars = avatars
        self._scale = scale
        self._queue = asyncio.Lock()
        self._current: int | None = None

    @property
    def name(self) -> str:
        return self._way.name

    async def images(self, orders: Sequence[Order]) -> None:
        for avatar, some in groupby(orders, key=lambda order: order.avatar):
            async with self._queue:
                made = await asyncio.to_thread(self._make, avatar, list(some))
            # The next call need not wait for this.
            await asyncio.gather(*(asyncio.to_thread(_encode, image) for image in made))

    def _make(self, avatar: int, orders: Sequence[Order]) -> list[Image.Image]:
        number = avatar % self._avatars.count
        if number != self._current:
            self._way.change(self._pipeline, self._avatars.file(avatar), LORA_SCALE)
            self._current = number
        seeds = [torch.Generator("cpu").manual_seed(order.number) for order in orders]
        made: list[Image.Image] = self._pipeline(
            prompt=[order.prompt for order in orders],
            width=self._scale.px,
            height=self._scale.px,
            num_inference_steps=self._scale.steps,
            guidance_scale=self._scale.cfg,
            generator=seeds,
        ).images
        return made


def _encode(image: Image.Image) -> bytes:
    encoded = io.BytesIO()
    # Pillow's own default takes five times as long for a tenth less.
    image.save(encoded, "PNG", compress_level=1)
    return encoded.getvalue()
