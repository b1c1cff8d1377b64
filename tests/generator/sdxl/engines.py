"""A tiny engine with a library of canned weights, and eyes for what it draws."""

import io
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from services.generator.sdxl.components import Components, targets_of
from services.generator.sdxl.engine import Engine
from services.generator.sdxl.limits import EngineLimits
from services.generator.sdxl.weights import LoraWeights, LowRank, Targets
from services.generator.sdxl.wishes import LoraWish, NoPicture, Picture, Wish
from tests.generator.sdxl.tiny import lora_weights, small_components, tiny_components, tiny_targets

TARGETS = tiny_targets()
SMALL = Targets(unet=targets_of(small_components()).unet, text_encoders=({}, {}))
LIMITS = EngineLimits(slots=4, rank=4, batch=4, waiting=32)

PLAIN = Wish("a woman, standing", width=64, height=64, steps=4, seed=7)
"""Nothing is said about LoRAs."""


@dataclass
class CannedLibrary:
    """Weights by link: a number is the seed of good ones; more may be added, or failures."""

    others: dict[str, LoraWeights | NoPicture] = field(default_factory=dict)
    targets: Targets = TARGETS

    async def weights(self, url: str, *, limit_s: float) -> LoraWeights:
        found = self.others.get(url)
        if isinstance(found, NoPicture):
            raise NoPicture(found.code, found.detail)
        return found or lora_weights(int(url), LIMITS.rank, targets=self.targets)


def with_lora(url: str | int, scale: float = 1.0, wish: Wish = PLAIN) -> Wish:
    return replace(wish, lora=LoraWish(str(url), scale))


def spoilt(weights: LoraWeights, value: float) -> LoraWeights:
    """The same file with one number changed."""
    path, pair = next(iter(weights.unet.items()))
    up = pair.up.clone()
    up[0, 0] = value
    unet: Mapping[str, LowRank] = {**weights.unet, path: LowRank(pair.down, up)}
    return replace(weights, sha256=f"{value}", unet=unet)


@asynccontextmanager
async def an_engine(
    limits: EngineLimits = LIMITS,
    library: CannedLibrary | None = None,
    components: Components | None = None,
) -> AsyncIterator[Engine]:
    engine = Engine(components or tiny_components(), library or CannedLibrary(), limits)
    async with engine:
        yield engine


def pixels(picture: Picture) -> NDArray[np.int16]:
    return np.asarray(Image.open(io.BytesIO(picture.png))).astype(np.int16)


def difference(one: Picture, other: Picture) -> int:
    """The largest difference of any byte, of 255."""
    return int(abs(pixels(one) - pixels(other)).max())


class Memory:
    """A device that has room for so many rows: more, and the UNet runs out of memory."""

    def __init__(self, components: Components, rows: int) -> None:
        self.rows = rows
        self.ran_out = 0
        components.unet.register_forward_pre_hook(self)

    def __call__(self, module: Any, args: tuple[torch.Tensor, ...]) -> None:
        if len(args[0]) > self.rows:
            self.ran_out += 1
            raise torch.OutOfMemoryError("out of memory, says the test")
