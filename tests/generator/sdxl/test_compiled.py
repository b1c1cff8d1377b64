"""Compiled: every variant before the first wish, none after it, whatever LoRAs come and go."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch._dynamo.utils import counters

from services.generator.sdxl.bank import Bank
from services.generator.sdxl.canvas import Canvas
from services.generator.sdxl.denoising import Denoiser
from services.generator.sdxl.limits import EngineLimits
from services.generator.sdxl.warming import blank
from tests.generator.sdxl.engines import (
    LIMITS,
    PLAIN,
    SMALL,
    CannedLibrary,
    an_engine,
    difference,
    with_lora,
)
from tests.generator.sdxl.tiny import small_components, tiny_components

COMPILED: EngineLimits = replace(LIMITS, batch=1, compiled=((64, 64),), compile_backend="eager")


def graphs() -> int:
    return int(counters["stats"]["unique_graphs"])


async def test_changing_loras_compiles_nothing_anew() -> None:
    torch._dynamo.reset()  # noqa: SLF001
    counters.clear()
    wishes = [PLAIN, with_lora(1), with_lora(2, 0.5), with_lora(3), PLAIN]
    async with an_engine(COMPILED, CannedLibrary(targets=SMALL), small_components()) as engine:
        ready = graphs()
        compiled = [await engine.generate(wish) for wish in wishes]
        # Not among the sizes: it runs as it is.
        await engine.generate(replace(PLAIN, width=96))
        assert graphs() == ready
    assert ready == 2, "with a LoRA, and without"
    async with an_engine(LIMITS, CannedLibrary(targets=SMALL), small_components()) as engine:
        plain = [await engine.generate(wish) for wish in wishes]
    assert all(difference(*pair) <= 1 for pair in zip(compiled, plain, strict=True))
    assert difference(compiled[0], compiled[1]) > 20
    assert compiled[0].png == compiled[-1].png


def test_batches_are_padded_to_sizes_that_were_compiled() -> None:
    components = tiny_components()
    sizes: list[int] = []

    def compiled(rows: torch.Tensor, *args: Any, **also: Any) -> Any:
        sizes.append(len(rows))
        return components.unet(rows, *args, **also)

    canvas, other = Canvas(64, 64, guided=True), Canvas(96, 64, guided=True)
    denoiser = Denoiser(
        components,
        Bank(components.unet, rank=4, slots=1, seats=4),
        compiled=compiled,
        fixed=frozenset({canvas}),
    )
    with torch.inference_mode():
        drawings: Sequence[Any] = [blank(components, canvas) for _ in range(3)]
        denoiser.step(drawings)
        denoiser.step([blank(components, other)] * 3)
    assert sizes == [2 * 4]
    assert {drawing.largest_batch for drawing in drawings} == {4}
    assert {drawing.done for drawing in drawings} == {1}
