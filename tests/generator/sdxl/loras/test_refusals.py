"""What is no whole, sound LoRA of this model is refused by a sentence that names the offender."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from services.generator.sdxl.loras.reading.limits import ReadLimits
from services.generator.sdxl.wishes import FailureCode, NoPicture
from tests.generator.sdxl.loras.bits import (
    CROSS,
    KOHYA_Q,
    OUT,
    PEFT_Q,
    TE_Q,
    Q,
    Tensors,
    delta,
    kohya_pair,
    noise,
    pair,
    read,
)

RESNET = "lora_unet_input_blocks_1_0_in_layers_2"


def spoiled(value: float, place: str = "lora_B") -> Tensors:
    tensors = pair()
    tensors[f"{PEFT_Q}.{place}.weight"][0, 1] = value
    return tensors


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        (
            pair("unet.down_blocks.9.to_q"),
            "`unet.down_blocks.9.to_q.lora_A.weight` names no linear",
        ),
        (pair() | pair("unet.conv_in"), "`unet.conv_in.lora_A.weight` names no linear"),
        (kohya_pair("lora_unet_nothing"), "`lora_unet_nothing.alpha` names no linear"),
        (pair() | {"model.weight": noise(2)}, "`model.weight` is not named as a part of a LoRA"),
        ({f"{PEFT_Q}.lora_A.weight": noise(2, 6)}, "lora_A.weight` lacks its counterpart"),
        ({f"{PEFT_Q}.lora_B.weight": noise(6, 2)}, "lora_B.weight` lacks its counterpart"),
        ({f"{KOHYA_Q}.alpha": torch.tensor(1.0)}, "alpha` lacks its counterpart"),
        (pair() | kohya_pair(), "repeats what another tensor says"),
        (pair(shape=(6, 7)), "has the shape 2 x 7, not 2 x 6"),
        (pair(shape=(5, 6)), "has the shape 5 x 2, not 6 x 2"),
        (pair() | {f"{PEFT_Q}.lora_B.weight": noise(6, 3)}, "has the shape 6 x 3, not 6 x 2"),
        (pair() | {f"{PEFT_Q}.lora_A.weight": noise(12)}, "has the shape 12, not 12 x 6"),
        (kohya_pair() | {f"{KOHYA_Q}.alpha": noise(2)}, "no single number"),
        (pair(f"base_model.model.{TE_Q}", (4, 4)), "which of the two text encoders"),
        (spoiled(torch.nan), "`.*lora_B.weight` holds NaN"),
        (spoiled(-torch.inf, "lora_A"), "`.*lora_A.weight` holds NaN or infinite"),
        (spoiled(70000.0), "holds values beyond 65504"),
        (kohya_pair(alpha=torch.nan), "`.*alpha` holds NaN"),
        (kohya_pair(alpha=60000.0) | {f"{KOHYA_Q}.lora_up.weight": noise(6, 2) * 1e4}, "beyond"),
        (kohya_pair(alpha=0.0), "All changes are zero"),
        (pair() | {f"{PEFT_Q}.lora_B.weight": torch.zeros(6, 2)}, "never trained"),
        ({f"{KOHYA_Q}.hada_w1_a": noise(6, 2)}, "Not supported is LoHa .*: `.*hada_w1_a`"),
        ({f"{KOHYA_Q}.lokr_w1": noise(2, 2)}, "Not supported is LoKr"),
        (kohya_pair() | {f"{KOHYA_Q}.dora_scale": noise(6, 1)}, "Not supported is DoRA"),
        (pair() | {f"{PEFT_Q}.lora_magnitude_vector": noise(6)}, "Not supported is DoRA"),
        (pair() | {f"{PEFT_Q}.lora_B.bias": noise(6)}, "Not supported is a bias"),
        ({f"{KOHYA_Q}.diff": noise(6, 6)}, "Not supported is a full difference"),
        (
            {
                f"{RESNET}.alpha": torch.tensor(1.0),
                f"{RESNET}.lora_down.weight": noise(2, 4, 3, 3),
                f"{RESNET}.lora_up.weight": noise(4, 2, 1, 1),
            },
            r"Not supported is a convolution \(LoCon\): `.*alpha`",
        ),
    ],
)
def test_refuses(tmp_path: Path, tensors: Tensors, said: str) -> None:
    with pytest.raises(NoPicture, match=said) as caught:
        read(tmp_path, tensors)
    assert caught.value.code is FailureCode.LORA_LOAD_FAILED


@pytest.mark.parametrize(
    ("tensors", "family"),
    [
        (
            kohya_pair("lora_te_text_model_encoder_layers_0_self_attn_q_proj"),
            "Stable Diffusion 1.x or 2.x",
        ),
        (pair(f"unet.{CROSS}", (6, 768)), "Stable Diffusion 1.x"),
        (pair(f"unet.{CROSS}", (6, 1024)), "Stable Diffusion 2.x"),
        (pair(f"unet.{CROSS}", (6, 1280)), "the refiner of SDXL"),
        (kohya_pair("lora_unet_double_blocks_0_img_attn_qkv"), "Flux"),
        (pair("transformer.single_transformer_blocks.0.attn.to_q"), "Flux"),
        (kohya_pair("lora_unet_joint_blocks_0_x_block_attn_qkv"), "Stable Diffusion 3"),
        (pair("transformer.transformer_blocks.0.attn.to_q"), "Flux or Stable Diffusion 3"),
    ],
)
def test_names_the_model_that_a_file_is_for(tmp_path: Path, tensors: Tensors, family: str) -> None:
    with pytest.raises(NoPicture, match=rf"is for {family}, not SDXL\. `"):
        read(tmp_path, tensors)


def test_a_rank_above_the_cap_is_refused_or_reduced(tmp_path: Path) -> None:
    tensors = pair(rank=5) | pair(f"unet.{OUT}", rank=2)
    with pytest.raises(NoPicture, match=r"`.*lora_A.weight` has rank 5; at most 3"):
        read(tmp_path, tensors, limits=ReadLimits(rank=3, reduces=False))
    weights = read(tmp_path, tensors, limits=ReadLimits(rank=3))
    assert (weights.rank, weights.reduced_from) == (3, 5)
    product = tensors[f"{PEFT_Q}.lora_B.weight"] @ tensors[f"{PEFT_Q}.lora_A.weight"]
    u, s, vh = torch.linalg.svd(product.double())
    best = (u[:, :3] * s[:3]) @ vh[:3]
    assert weights.unet[Q].down.shape == (3, 6)
    torch.testing.assert_close(delta(weights.unet[Q]), best.float(), atol=1e-5, rtol=1e-4)
    assert torch.equal(weights.unet[OUT].down, tensors[f"unet.{OUT}.lora_A.weight"])


def test_a_rank_above_the_size_of_the_matrix_loses_nothing(tmp_path: Path) -> None:
    tensors = pair(rank=9)
    weights = read(tmp_path, tensors, limits=ReadLimits(rank=6))
    product = tensors[f"{PEFT_Q}.lora_B.weight"] @ tensors[f"{PEFT_Q}.lora_A.weight"]
    torch.testing.assert_close(delta(weights.unet[Q]), product, atol=1e-5, rtol=1e-4)


def test_a_reduced_change_is_as_large_as_the_files_numbers(tmp_path: Path) -> None:
    tensors = {name: weight.half() for name, weight in kohya_pair(rank=4, alpha=2.0).items()}
    change = read(tmp_path, tensors, limits=ReadLimits(rank=2)).unet[Q]
    assert change.up.dtype is change.down.dtype is torch.float16
    huge = {name: torch.full_like(weight, 6e4) for name, weight in pair(rank=4).items()}
    with pytest.raises(NoPicture, match="beyond 65504"):
        read(tmp_path, huge, limits=ReadLimits(rank=2))


def test_a_rank_within_the_cap_is_left_alone(tmp_path: Path) -> None:
    weights = read(tmp_path, pair(rank=3), limits=ReadLimits(rank=3, reduces=False))
    assert (weights.rank, weights.reduced_from) == (3, None)
    assert weights.size_bytes == 2 * 3 * 6 * 4


@pytest.mark.parametrize(("alpha", "scale"), [(None, 1.0), (1.0, 0.5), (4.0, 2.0)])
def test_alpha_counts_over_rank(tmp_path: Path, alpha: float | None, scale: float) -> None:
    tensors = kohya_pair(alpha=alpha)
    product = tensors[f"{KOHYA_Q}.lora_up.weight"] @ tensors[f"{KOHYA_Q}.lora_down.weight"]
    torch.testing.assert_close(delta(read(tmp_path, tensors).unet[Q]), product * scale)


@pytest.mark.parametrize(
    ("settings", "scale"),
    [
        ('{"lora_alpha": 6}', 3.0),
        ('{"unet.lora_alpha": 6, "unet.alpha_pattern": {"attn1.to_q": 1}}', 0.5),
        ('{"unet.lora_alpha": 6, "unet.alpha_pattern": {"n1.to_q": 1}}', 3.0),
        ('{"text_encoder.lora_alpha": 6}', 1.0),
    ],
)
def test_alphas_of_the_metadata(tmp_path: Path, settings: str, scale: float) -> None:
    tensors = pair()
    weights = read(tmp_path, tensors, metadata={"lora_adapter_metadata": settings})
    product = tensors[f"{PEFT_Q}.lora_B.weight"] @ tensors[f"{PEFT_Q}.lora_A.weight"]
    torch.testing.assert_close(delta(weights.unet[Q]), product * scale)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("[]", "no JSON object"),
        ("{", "no JSON object"),
        ('{"lora_alpha": "6"}', "an alpha is no number"),
        ('{"lora_alpha": true}', "an alpha is no number"),
        ('{"alpha_pattern": [1]}', "alpha_pattern is no object"),
        ('{"alpha_pattern": {"(a+)+$": 1}}', "A pattern of modules is not supported"),
    ],
)
def test_damaged_metadata_is_refused(tmp_path: Path, settings: str, said: str) -> None:
    with pytest.raises(NoPicture, match=said):
        read(tmp_path, pair(), metadata={"lora_adapter_metadata": settings})


def test_convolutions_of_one_by_one_stand_for_linears(tmp_path: Path) -> None:
    stem = "lora_unet_down_blocks_1_attentions_0_proj_in"
    flat = kohya_pair(stem, alpha=None)
    square = {name: weight[:, :, None, None].contiguous() for name, weight in flat.items()}
    changes = [read(tmp_path, tensors).unet for tensors in (flat, square)]
    path = "down_blocks.1.attentions.0.proj_in"
    assert torch.equal(*(delta(change[path]) for change in changes))


def test_encoders_get_what_is_theirs(tmp_path: Path) -> None:
    tensors = pair(f"text_encoder.{TE_Q}", (4, 4)) | kohya_pair(
        f"lora_te2_{TE_Q.replace('.', '_')}", (5, 5)
    )
    weights = read(tmp_path, tensors)
    assert not weights.unet
    assert [set(part) for part in weights.text_encoders] == [
        {TE_Q.removeprefix("text_model.")},
        {TE_Q},
    ]


def test_one_zero_pair_among_others_is_no_damage(tmp_path: Path) -> None:
    tensors = pair() | pair(f"unet.{OUT}")
    tensors[f"unet.{OUT}.lora_B.weight"].zero_()
    assert set(read(tmp_path, tensors).unet) == {Q, OUT}


def _emptied(_: Tensors) -> Tensors:
    return {}


def _half_unknown(tensors: Tensors) -> Tensors:
    return tensors | pair("unet.down_blocks.7.attentions.0.transformer_blocks.0.attn1.to_q", (8, 8))


def _not_numbers(tensors: Tensors) -> Tensors:
    return {name: torch.full_like(weight, torch.nan) for name, weight in tensors.items()}


@pytest.mark.parametrize("spoil", [_emptied, _half_unknown, _not_numbers])
def test_refuses_what_diffusers_loads_without_a_word(
    tmp_path: Path, spoil: Callable[[Tensors], Tensors]
) -> None:
    from services.generator.sdxl.components import linears_of  # noqa: PLC0415 - takes seconds
    from services.generator.sdxl.weights import Targets  # noqa: PLC0415
    from tests.generator.sdxl.tiny import tiny_pipeline  # noqa: PLC0415

    pipeline = tiny_pipeline()
    targets = Targets(unet=linears_of(pipeline.unet), text_encoders=({}, {}))
    path, shape = next(
        (one, two) for one, two in targets.unet.items() if one.endswith("attn1.to_q")
    )
    sound = pair(f"unet.{path}", shape)
    assert path in read(tmp_path, sound, targets=targets).unet
    pipeline.load_lora_weights(spoil(dict(sound)))
    with pytest.raises(NoPicture):
        read(tmp_path, spoil(dict(sound)), targets=targets)
