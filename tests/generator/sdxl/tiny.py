"""An SDXL too small to draw anything: diffusers' own classes, seeded random weights, no hub.

512 by 512 in 20 steps takes well under a second on one core; 64 by 64 in 4 about 40 ms.
"""

import string
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import diffusers
import torch
from safetensors.torch import save_file
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
)

from services.generator.sdxl.components import Components, components_of, targets_of
from services.generator.sdxl.weights import LoraWeights, LowRank, Shape, Targets

# diffusers' classes have no types that mypy could follow.
Pipeline: Any = diffusers.StableDiffusionXLPipeline
UNet: Any = diffusers.UNet2DConditionModel
Vae: Any = diffusers.AutoencoderKL
Euler: Any = diffusers.EulerDiscreteScheduler

WIDTH = 8
TEXT_WIDTHS = (8, 12)
"""They differ, as in SDXL: it is how diffusers tells the encoders of a single file apart."""
TIME_WIDTH = 4
SPECIAL = ("<|startoftext|>", "<|endoftext|>")

LoraFormat = Literal["diffusers", "kohya"]


def tiny_pipeline(seed: int = 0, *, layers_per_block: int = 1) -> Any:
    """The reference: the same weights for the same seed. Real SDXL has two layers a block."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        unet, vae = _unet(layers_per_block), _vae()
        first = _text_encoder(CLIPTextModel, TEXT_WIDTHS[0])
        second = _text_encoder(CLIPTextModelWithProjection, TEXT_WIDTHS[1])
    return Pipeline(
        vae=vae,
        text_encoder=first,
        text_encoder_2=second,
        tokenizer=_tokenizer(pad=SPECIAL[1]),
        tokenizer_2=_tokenizer(pad="!"),
        unet=unet,
        scheduler=_scheduler(),
        add_watermarker=False,
    )


def tiny_components(
    seed: int = 0, *, dtype: torch.dtype = torch.float32, layers_per_block: int = 1
) -> Components:
    """The same model as parts."""
    pipeline = tiny_pipeline(seed, layers_per_block=layers_per_block)
    return components_of(pipeline, "tiny-sdxl", torch.device("cpu"), dtype)


@cache
def tiny_targets() -> Targets:
    """What a LoRA may change in it."""
    return targets_of(tiny_components())


def small_components() -> Components:
    """The same, but for a UNet without attention: a tenth of the linears and of the time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        unet = UNet(
            layers_per_block=1,
            block_out_channels=(4,),
            down_block_types=("DownBlock2D",),
            mid_block_type=None,
            up_block_types=("UpBlock2D",),
            addition_embed_type="text_time",
            addition_time_embed_dim=TIME_WIDTH,
            projection_class_embeddings_input_dim=TEXT_WIDTHS[1] + 6 * TIME_WIDTH,
            cross_attention_dim=sum(TEXT_WIDTHS),
            norm_num_groups=2,
        )
    return replace(tiny_components(), unet=unet.eval())


def write_tiny(directory: Path, seed: int = 0, *, layers_per_block: int = 1) -> Path:
    """The same model as a directory that `load_components` reads."""
    tiny_pipeline(seed, layers_per_block=layers_per_block).save_pretrained(directory)
    return directory


def make_lora(
    path: Path,
    *,
    seed: int,
    rank: int = 4,
    format: LoraFormat = "diffusers",  # noqa: A002 - what everybody calls it
    text_encoders: bool = True,
    strength: float = 1.0,
    alpha: float | None = None,
    targets: Targets | None = None,
) -> Path:
    """A file as trainers write it, for the tiny model or for other targets.

    `alpha` (left out: the rank, so that nothing is scaled) is written in kohya's format only.
    """
    made = lora_weights(seed, rank, text_encoders=text_encoders, strength=strength, targets=targets)
    parts = {"unet": made.unet, "text_encoder": made.text_encoders[0]}
    parts["text_encoder_2"] = made.text_encoders[1]
    write = _diffusers_tensors if format == "diffusers" else _kohya_tensors
    tensors: dict[str, torch.Tensor] = {}
    for name, pairs in parts.items():
        tensors |= write(name, pairs, rank if alpha is None else alpha)
    save_file(tensors, path)
    return path


def lora_weights(
    seed: int,
    rank: int = 4,
    *,
    text_encoders: bool = True,
    strength: float = 1.0,
    targets: Targets | None = None,
) -> LoraWeights:
    """What reading such a file gives: every linear is changed, visibly."""
    noise = torch.Generator().manual_seed(seed)
    wanted = targets or tiny_targets()
    none: Mapping[str, Shape] = {}
    first, second = wanted.text_encoders if text_encoders else (none, none)
    unet, one, two = (
        {path: _pair(shape, rank, strength, noise) for path, shape in shapes.items()}
        for shapes in (wanted.unet, first, second)
    )
    return LoraWeights(
        sha256=f"{seed:064x}", unet=unet, text_encoders=(one, two), rank=rank, size_bytes=0
    )


def _pair(shape: Shape, rank: int, strength: float, noise: torch.Generator) -> LowRank:
    out_features, in_features = shape
    return LowRank(
        down=torch.randn(rank, in_features, generator=noise) / in_features**0.5,
        up=torch.randn(out_features, rank, generator=noise) * strength / rank**0.5,
    )


def _diffusers_tensors(
    part: str, pairs: Mapping[str, LowRank], _: float
) -> dict[str, torch.Tensor]:
    downs = {f"{part}.{path}.lora_A.weight": pair.down for path, pair in pairs.items()}
    ups = {f"{part}.{path}.lora_B.weight": pair.up for path, pair in pairs.items()}
    return downs | ups


def _kohya_tensors(
    part: str, pairs: Mapping[str, LowRank], alpha: float
) -> dict[str, torch.Tensor]:
    start = {"unet": "lora_unet", "text_encoder": "lora_te1", "text_encoder_2": "lora_te2"}[part]
    tensors: dict[str, torch.Tensor] = {}
    for path, pair in pairs.items():
        name = f"{start}_{path.replace('.', '_')}"
        tensors[f"{name}.lora_down.weight"] = pair.down
        tensors[f"{name}.lora_up.weight"] = pair.up
        tensors[f"{name}.alpha"] = torch.tensor(float(alpha))
    return tensors


def _unet(layers_per_block: int) -> Any:
    return UNet(
        sample_size=64,
        layers_per_block=layers_per_block,
        block_out_channels=(WIDTH // 2, WIDTH, WIDTH),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        transformer_layers_per_block=1,
        attention_head_dim=(1, 1, 1),
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=TIME_WIDTH,
        projection_class_embeddings_input_dim=TEXT_WIDTHS[1] + 6 * TIME_WIDTH,
        cross_attention_dim=sum(TEXT_WIDTHS),
        norm_num_groups=2,
    )


def _vae() -> Any:
    return Vae(
        block_out_channels=(4, 4, 4, 4),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=2,
        sample_size=64,
        scaling_factor=0.13025,
        force_upcast=True,
    )


def _text_encoder(
    kind: type[CLIPTextModel] | type[CLIPTextModelWithProjection], width: int
) -> CLIPTextModel | CLIPTextModelWithProjection:
    vocabulary = _vocabulary()
    return kind(
        CLIPTextConfig(
            vocab_size=len(vocabulary),
            hidden_size=width,
            intermediate_size=2 * width,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=77,
            projection_dim=width,
            bos_token_id=vocabulary[SPECIAL[0]],
            eos_token_id=vocabulary[SPECIAL[1]],
            pad_token_id=vocabulary[SPECIAL[1]],
        )
    )


def _tokenizer(pad: str) -> CLIPTokenizer:
    return CLIPTokenizer(vocab=_vocabulary(), merges=[], pad_token=pad, model_max_length=77)


def _vocabulary() -> dict[str, int]:
    letters = string.ascii_lowercase + string.digits + string.punctuation
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), *SPECIAL]
    return {token: place for place, token in enumerate(tokens)}


def _scheduler() -> Any:
    # As in stabilityai/stable-diffusion-xl-base-1.0.
    return Euler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        timestep_spacing="leading",
        steps_offset=1,
    )
