"""The model from wherever it lies; where there is none, the error names the place."""

from pathlib import Path

import pytest
import torch

from services.generator.sdxl.components import Components, load_components, targets_of
from services.generator.sdxl.wishes import FailureCode, NoPicture
from tests.generator.sdxl.single_file import write_single_file
from tests.generator.sdxl.tiny import tiny_components, write_tiny


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("model"))


def assert_same(one: Components, other: Components) -> None:
    pairs = [
        (one.unet, other.unet),
        (one.vae, other.vae),
        *zip(one.text_encoders, other.text_encoders, strict=True),
    ]
    for part, like in pairs:
        weights, expected = part.state_dict(), like.state_dict()
        assert weights.keys() == expected.keys()
        assert all(torch.equal(weights[name], expected[name]) for name in expected)
    assert one.scheduler_config["timestep_spacing"] == other.scheduler_config["timestep_spacing"]
    assert one.tokenizers[1]("hello!").input_ids == other.tokenizers[1]("hello!").input_ids


def test_loads_a_directory(directory: Path) -> None:
    loaded = load_components(str(directory))
    assert_same(loaded, tiny_components())
    assert loaded.base_model == str(directory)
    assert not loaded.unet.training


def test_loads_a_single_file_as_it_was_released(directory: Path, tmp_path: Path) -> None:
    single = write_single_file(tmp_path / "model.safetensors")
    loaded = load_components(str(single), config=str(directory), local_only=True)
    assert_same(loaded, tiny_components())


@pytest.mark.parametrize(
    ("dtype", "decoding"),
    [
        ("float32", torch.float32),
        ("bfloat16", torch.bfloat16),
        # SDXL's decoder overflows in it, and says so.
        ("float16", torch.float32),
    ],
)
def test_the_decoder_has_a_number_format_in_which_it_does_not_overflow(
    directory: Path, dtype: str, decoding: torch.dtype
) -> None:
    loaded = load_components(str(directory), dtype=dtype)
    assert str(loaded.dtype) == f"torch.{dtype}"
    assert (loaded.unet.dtype, loaded.vae.dtype) == (loaded.dtype, decoding)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("/nowhere/at/all", "nothing is there"),
        ("no-owner", "nothing is there"),
        ("{there}/notes.ckpt", "has to be .safetensors"),
        ("{there}", "no model_index.json"),
        ("{there}/broken.safetensors", "could be loaded"),
    ],
)
def test_names_what_cannot_be_loaded(tmp_path: Path, source: str, reason: str) -> None:
    for name in ("notes.ckpt", "broken.safetensors"):
        (tmp_path / name).write_bytes(b"no tensors")
    wanted = source.format(there=tmp_path)
    with pytest.raises(NoPicture, match=reason) as failure:
        load_components(wanted, local_only=True)
    assert failure.value.code is FailureCode.MODEL_LOAD_FAILED
    assert wanted in failure.value.detail


def test_a_hub_that_cannot_be_asked_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(NoPicture, match="owner/not-in-any-cache"):
        load_components("owner/not-in-any-cache", local_only=True)


def test_targets_are_the_linears_with_their_shapes() -> None:
    targets = targets_of(tiny_components())
    assert targets.unet["time_embedding.linear_1"] == (16, 4)
    assert all("conv" not in path for path in targets.unet)
    first, second = targets.text_encoders
    # The first has no pooled output to project.
    assert len(second) == len(first) + 1
    assert second["text_projection"] == (12, 12)
