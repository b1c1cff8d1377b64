"""Against StableDiffusionXLPipeline itself: same model, same wish, same picture.

In float32 at a batch of one the pictures are equal to the byte, but for a byte that lies between
two values: the sampler's numbers are worked out in float64 here, in float32 there.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DPMSolverMultistepScheduler, EulerAncestralDiscreteScheduler
from numpy.typing import NDArray

from services.generator.sdxl.wishes import Wish
from shared.samplers import SamplerName
from tests.generator.sdxl.engines import PLAIN, an_engine, pixels
from tests.generator.sdxl.tiny import tiny_pipeline

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")

Ancestral: Any = EulerAncestralDiscreteScheduler
Dpm: Any = DPMSolverMultistepScheduler
BOUND = 1


@pytest.fixture(scope="module")
def reference() -> Any:
    pipeline = tiny_pipeline()
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def drawn(pipeline: Any, wish: Wish) -> NDArray[np.int16]:
    config = tiny_pipeline().scheduler.config
    schedulers = {SamplerName.EULER_ANCESTRAL: Ancestral, SamplerName.DPMPP_2M: Dpm}
    maker = schedulers.get(wish.sampler, type(tiny_pipeline().scheduler))
    pipeline.scheduler = maker.from_config(config)
    image = pipeline(
        wish.prompt,
        negative_prompt=wish.negative_prompt or None,
        width=wish.width,
        height=wish.height,
        num_inference_steps=wish.steps,
        guidance_scale=wish.cfg,
        generator=torch.Generator().manual_seed(wish.seed or 0),
    ).images[0]
    return np.asarray(image).astype(np.int16)


@pytest.mark.parametrize(
    "wish",
    [
        PLAIN,
        replace(PLAIN, steps=16, negative_prompt="blurry, bad", cfg=7.5, seed=11),
        replace(PLAIN, sampler=SamplerName.EULER_ANCESTRAL),
        replace(PLAIN, sampler=SamplerName.DPMPP_2M),
        replace(PLAIN, sampler=SamplerName.DPMPP_2M, steps=16),
        replace(PLAIN, cfg=1.0),
        replace(PLAIN, width=104, height=72),
        replace(PLAIN, prompt="word " * 120),
    ],
    ids=["euler", "negative", "ancestral", "dpm", "dpm-16", "unguided", "odd-size", "long-prompt"],
)
async def test_draws_what_the_pipeline_draws(reference: Any, wish: Wish) -> None:
    async with an_engine() as engine:
        ours = pixels(await engine.generate(wish))
    theirs = drawn(reference, wish)
    assert ours.shape == theirs.shape
    assert abs(ours - theirs).max() <= BOUND
    assert (ours != theirs).mean() < 0.001
    assert theirs.std() > 10, "a blank picture would be equal to any"
