"""A sampler as a table of numbers: every step of every sampler is the same linear form.

With x the latents, e the UNet's output and g the guess before:

    guess = keep * x + turn * e
    x     = carry * x + fresh * guess + past * g + stray * noise

So a batch may mix samplers and steps, and one step is a few kernels for all of it. The sigmas and
timesteps are those of diffusers' schedulers, the coefficients are worked out in float64.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import torch
from diffusers import DPMSolverMultistepScheduler, EulerDiscreteScheduler

from shared.samplers import SamplerName

# diffusers gives these no types.
Euler: Any = EulerDiscreteScheduler
Dpm: Any = DPMSolverMultistepScheduler

Row = tuple[float, ...]


class Column(IntEnum):
    """What the table's columns are; `SCALE` is what the UNet's input is multiplied with."""

    TIMESTEP = 0
    SCALE = 1
    KEEP = 2
    TURN = 3
    CARRY = 4
    FRESH = 5
    PAST = 6
    STRAY = 7


@dataclass(frozen=True, slots=True)
class Schedule:
    """A sampler's steps: `table` is (steps, columns) in float32. `start` scales the first noise."""

    table: torch.Tensor
    start: float
    stray: bool
    """Whether it takes fresh noise at every step."""


def schedule(sampler: SamplerName, steps: int, config: Mapping[str, Any]) -> Schedule:
    """The steps of a sampler, for a model with this scheduler config."""
    if sampler is SamplerName.DPMPP_2M:
        return _dpmpp_2m(steps, config)
    ancestral = sampler is SamplerName.EULER_ANCESTRAL
    scheduler = Euler.from_config(config, **(_PLAIN if ancestral else {}))
    sigmas, timesteps = _set(scheduler, steps)
    row = _ancestral_row if ancestral else _euler_row
    guess = _guess_of_sigma(str(scheduler.config.prediction_type))
    rows = [
        (time, 1 / math.hypot(sigma, 1), *guess(sigma), *row(sigma, after))
        for time, sigma, after in zip(timesteps, sigmas, sigmas[1:], strict=False)
    ]
    return Schedule(_table(rows), float(scheduler.init_noise_sigma), ancestral)


# diffusers' ancestral scheduler knows none of these; its sigmas are Euler's without them.
_PLAIN = {
    "use_karras_sigmas": False,
    "use_exponential_sigmas": False,
    "use_beta_sigmas": False,
    "interpolation_type": "linear",
    "final_sigmas_type": "zero",
    "timestep_type": "discrete",
}


def _set(scheduler: Any, steps: int) -> tuple[list[float], list[float]]:
    # numpy warns when diffusers makes an array of its tensor; of an array it does not.
    scheduler.alphas_cumprod = scheduler.alphas_cumprod.numpy()
    scheduler.set_timesteps(steps, device="cpu")
    return scheduler.sigmas.double().tolist(), scheduler.timesteps.double().tolist()


def _table(rows: list[Row]) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float64).float()


def _guess_of_sigma(prediction: str) -> Any:
    return {
        "epsilon": lambda sigma: (1.0, -sigma),
        "v_prediction": lambda sigma: (1 / (sigma**2 + 1), -sigma / math.hypot(sigma, 1)),
    }[prediction]


def _euler_row(sigma: float, after: float) -> Row:
    return (after / sigma, 1 - after / sigma, 0.0, 0.0)


def _ancestral_row(sigma: float, after: float) -> Row:
    up = math.sqrt(after**2 * (sigma**2 - after**2) / sigma**2)
    down = math.sqrt(after**2 - up**2)
    return (down / sigma, 1 - down / sigma, 0.0, up)


def _dpmpp_2m(steps: int, config: Mapping[str, Any]) -> Schedule:
    scheduler = Dpm.from_config(
        config, algorithm_type="dpmsolver++", solver_order=2, solver_type="midpoint"
    )
    sigmas, timesteps = _set(scheduler, steps)
    v_prediction = scheduler.config.prediction_type == "v_prediction"
    first_order = {0} | ({steps - 1} if _ends_in_first_order(scheduler, steps) else set())
    rows = []
    for step, (time, sigma) in enumerate(zip(timesteps, sigmas, strict=False)):
        alpha = 1 / math.hypot(sigma, 1)
        keep_turn = (alpha, -sigma * alpha) if v_prediction else (1 / alpha, -sigma)
        before = None if step in first_order else sigmas[step - 1]
        rows.append((time, 1.0, *keep_turn, *_dpmpp_row(before, sigma, sigmas[step + 1])))
    return Schedule(_table(rows), float(scheduler.init_noise_sigma), stray=False)


def _ends_in_first_order(scheduler: Any, steps: int) -> bool:
    config = scheduler.config
    few = config.lower_order_final and steps < 15
    return bool(config.euler_at_final or few or config.final_sigmas_type == "zero")


def _dpmpp_row(before: float | None, sigma: float, after: float) -> Row:
    # In the latents' own scale: alpha = 1 / sqrt(sigma^2 + 1), and sigma * alpha beside it.
    alpha = 1 / math.hypot(after, 1)
    carry = after * alpha / (sigma / math.hypot(sigma, 1))
    gain = alpha * (1 - after / sigma)
    if before is None:
        return (carry, gain, 0.0, 0.0)
    half = 0.5 * gain * math.log(sigma / after) / math.log(before / sigma)
    return (carry, gain + half, -half, 0.0)
