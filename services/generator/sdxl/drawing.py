"""A picture in the making: all the device needs to know of it, between two steps."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from services.generator.sdxl.bank import EMPTY, Occupant
from services.generator.sdxl.canvas import Canvas
from services.generator.sdxl.encoding import Encoded
from services.generator.sdxl.sampling import Schedule, schedule
from services.generator.sdxl.wishes import Wish


@dataclass(eq=False, slots=True)
class Drawing:
    """Tensors lie on the device. `latents` and `guess` are (1, 4, height, width) in float32."""

    canvas: Canvas
    steps: int
    latents: torch.Tensor
    guess: torch.Tensor
    stray: torch.Tensor | None
    """Fresh noise for every step, where the sampler wants it."""
    table: torch.Tensor
    guidance: torch.Tensor
    text: Encoded
    time_ids: torch.Tensor
    occupant: Occupant = EMPTY
    done: int = 0
    largest_batch: int = 0

    @property
    def finished(self) -> bool:
        """Whether every step was taken."""
        return self.done == self.steps


@dataclass(frozen=True, slots=True)
class Start:
    """What is known of a drawing before it reaches the device."""

    plan: Schedule
    first: torch.Tensor
    """The first latents, unscaled."""
    stray: torch.Tensor | None
    """A (steps, 4, height, width) of fresh noise, where the sampler wants it."""


def start_of(wish: Wish, seed: int, config: Mapping[str, Any], channels: int) -> Start:
    """Noise drawn on the CPU in float32: a seed is the same noise on any device, in any dtype."""
    plan = schedule(wish.sampler, wish.steps, config)
    source = torch.Generator().manual_seed(seed)
    shape = (1, channels, *canvas_of(wish).latent)
    first = torch.randn(shape, generator=source)
    if not plan.stray:
        return Start(plan, first, None)
    return Start(
        plan, first, torch.cat([torch.randn(shape, generator=source) for _ in range(wish.steps)])
    )


def canvas_of(wish: Wish) -> Canvas:
    """As the pipeline has it: a scale of 1 is no guidance."""
    return Canvas(wish.width, wish.height, guided=wish.cfg > 1)


def unfit(wish: Wish) -> str:
    """Why it cannot be drawn at all; empty, if it can."""
    if not wish.prompt.strip():
        return "the prompt is empty"
    if min(wish.width, wish.height) < 64 or wish.width % 8 or wish.height % 8:
        return "width and height have to be multiples of 8, and 64 at least"
    if not 1 <= wish.steps <= 1000:
        return "steps have to be between 1 and 1000"
    if not (math.isfinite(wish.cfg) and wish.cfg >= 0):
        return "cfg has to be a number, and not negative"
    return ""
