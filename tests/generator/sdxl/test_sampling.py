"""The table of numbers against diffusers' schedulers, step by step."""

from typing import Any

import pytest
import torch
from diffusers import (
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
)

from services.generator.sdxl.sampling import Column, schedule
from shared.samplers import SamplerName

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")

THEIRS: dict[SamplerName, Any] = {
    SamplerName.EULER: EulerDiscreteScheduler,
    SamplerName.EULER_ANCESTRAL: EulerAncestralDiscreteScheduler,
    SamplerName.DPMPP_2M: DPMSolverMultistepScheduler,
}
SDXL = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "timestep_spacing": "leading",
    "steps_offset": 1,
}
CONFIGS: dict[str, dict[str, Any]] = {
    "base": {},
    "v": {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True},
    "trailing": {"timestep_spacing": "trailing"},
    "karras": {"use_karras_sigmas": True},
}


def model(latents: torch.Tensor, timestep: float) -> torch.Tensor:
    """Any function of both will do."""
    return torch.tanh(latents * 0.7 + timestep / 1000)


def theirs(sampler: SamplerName, config: dict[str, Any], steps: int, noise: torch.Tensor) -> Any:
    scheduler = THEIRS[sampler].from_config(config)
    scheduler.set_timesteps(steps)
    generator = torch.Generator().manual_seed(3)
    latents = noise * scheduler.init_noise_sigma
    for timestep in scheduler.timesteps:
        scaled = scheduler.scale_model_input(latents, timestep)
        extra = {} if sampler is SamplerName.EULER else {"generator": generator}
        latents = scheduler.step(model(scaled, float(timestep)), timestep, latents, **extra)[0]
    return latents


def ours(
    sampler: SamplerName, config: dict[str, Any], steps: int, noise: torch.Tensor
) -> torch.Tensor:
    plan = schedule(sampler, steps, config)
    generator = torch.Generator().manual_seed(3)
    latents, before = noise * plan.start, torch.zeros_like(noise)
    for row in plan.table:
        out = model(latents * row[Column.SCALE], float(row[Column.TIMESTEP]))
        guess = row[Column.KEEP] * latents + row[Column.TURN] * out
        fresh = torch.randn(noise.shape, generator=generator) if plan.stray else 0
        latents = row[Column.CARRY] * latents + row[Column.FRESH] * guess
        latents = latents + row[Column.PAST] * before + row[Column.STRAY] * fresh
        before = guess
    return latents


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
@pytest.mark.parametrize("steps", [2, 8, 20])
@pytest.mark.parametrize("sampler", list(SamplerName))
def test_ends_where_diffusers_ends(
    sampler: SamplerName, steps: int, config: dict[str, Any]
) -> None:
    whole = {**SDXL, **config}
    noise = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    expected = theirs(sampler, whole, steps, noise)
    torch.testing.assert_close(ours(sampler, whole, steps, noise), expected, rtol=2e-4, atol=2e-4)
