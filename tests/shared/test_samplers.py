"""An avatar's sampler is understood by any of its names, and by no other."""

import pytest

from shared.samplers import SamplerName, sampler_called


@pytest.mark.parametrize(
    ("name", "sampler"),
    [
        ("euler", SamplerName.EULER),
        ("EulerDiscreteScheduler", SamplerName.EULER),
        ("Euler a", SamplerName.EULER_ANCESTRAL),
        ("euler_ancestral", SamplerName.EULER_ANCESTRAL),
        ("EulerAncestralDiscreteScheduler", SamplerName.EULER_ANCESTRAL),
        ("DPM++ 2M", SamplerName.DPMPP_2M),
        ("dpmpp_2m", SamplerName.DPMPP_2M),
        ("DPMSolverMultistepScheduler", SamplerName.DPMPP_2M),
        ("DPM++ 2M Karras", None),
        ("DDIM", None),
        ("", None),
    ],
)
def test_a_sampler_has_many_names(name: str, sampler: SamplerName | None) -> None:
    assert sampler_called(name) is sampler


@pytest.mark.parametrize("sampler", list(SamplerName))
def test_each_is_called_by_its_own_name(sampler: SamplerName) -> None:
    assert sampler_called(sampler) is sampler
