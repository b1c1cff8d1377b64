"""The `openai_images` provider: OpenAI's image models, through the SDK, one image a call.

A call has no id to go on waiting for: whoever is cut off does not know how it ended.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import openai
from openai import AsyncOpenAI

from services.generator.adapters.fitting import Size, fits
from services.generator.adapters.openai_images.answers import read_image
from services.generator.adapters.openai_images.failures import failure_of
from services.generator.adapters.openai_images.models import Quality, fidelity_of, sizes_of
from services.generator.domain.failures import ProviderFailure
from services.generator.domain.prices import Price
from services.generator.ports import MadeImage, NoteCallId, PreparedCall
from shared.content import Brief

_READ_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Reference:
    """An image to go by: PNG, JPEG or WebP of less than 50 MB."""

    data: bytes
    media_type: Literal["image/png", "image/jpeg", "image/webp"] = "image/png"

    @property
    def file(self) -> tuple[str, bytes, str]:
        """As a part of a form; its name tells the type once more."""
        return f"reference.{self.media_type.partition('/')[2]}", self.data, self.media_type


class OpenAIImagesProvider:
    """Asks the model once per prepared call; retries are the handler's decision.

    The models take neither a seed nor a negative prompt, and decide on their steps themselves.
    """

    name = "openai_images"
    keeps_likeness = False

    def __init__(
        self,
        client: AsyncOpenAI,
        *,
        model: str,
        quality: Quality,
        moderation: Literal["auto", "low"],
        timeout_s: float,
        price: Price,
    ) -> None:
        self._client = client
        self.model = model
        self._quality = quality
        self._moderation = moderation
        self._timeout_s = timeout_s
        self.price = price
        self._reading = asyncio.Semaphore(_READ_AT_ONCE)

    @property
    def call_limit_s(self) -> float:
        return self._timeout_s

    async def prepare(self, brief: Brief, *, fresh_link: bool = False) -> PreparedCall:
        del fresh_link  # it needs no weights
        return partial(self._generate, brief)

    async def prepare_edit(self, brief: Brief, reference: Reference) -> PreparedCall:
        """A call that makes the brief's image from another one, whose looks it keeps."""
        return partial(self._edit, brief, reference)

    async def _generate(self, brief: Brief, _: NoteCallId) -> MadeImage:
        asked = self._size(brief)
        wish = self._client.images.with_raw_response.generate(
            **self._wishes(brief, asked), moderation=self._moderation
        )
        return await self._made(brief, asked, wish)

    async def _edit(self, brief: Brief, reference: Reference, _: NoteCallId) -> MadeImage:
        asked = self._size(brief)
        wish = self._client.images.with_raw_response.edit(
            **self._wishes(brief, asked),
            image=reference.file,
            input_fidelity=fidelity_of(self.model),
        )
        return await self._made(brief, asked, wish)

    def _size(self, brief: Brief) -> Size:
        ordered = brief.width, brief.height
        asked = sizes_of(self.model).nearest(*ordered)
        if not fits(asked, ordered):
            shape = f"makes no image of the shape {ordered[0]}x{ordered[1]}"
            raise ProviderFailure("REFUSED", shape)
        return asked

    def _wishes(self, brief: Brief, asked: Size) -> dict[str, Any]:
        return {
            "model": self.model,
            "prompt": brief.prompt,
            "n": 1,
            "size": f"{asked[0]}x{asked[1]}",
            "quality": self._quality,
            "output_format": "png",
            "background": "opaque",
        }

    async def _made(self, brief: Brief, asked: Size, wish: Awaitable[Any]) -> MadeImage:
        try:
            body = (await wish).http_response.content
        except openai.OpenAIError as exc:
            # Not with its cause: that has the request, and the request has the key.
            raise failure_of(exc) from None
        ordered = brief.width, brief.height
        read = partial(read_image, body, self.price, asked=asked, ordered=ordered)
        async with self._reading:
            data, cost = await asyncio.to_thread(read)
        return MadeImage(
            data=data,
            model=self.model,
            seed=0,
            steps=0,
            cfg_scale=0.0,
            lora_applied=False,
            lora_scale=0.0,
            cost_usd_micros=cost,
        )
