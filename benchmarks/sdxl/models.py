"""Models to measure on. Their weights are random: what they compute takes as long as any other."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from diffusers import (
    AutoencoderKL,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from benchmarks.sdxl.scale import TINY, Scale
from services.generator.sdxl.components import linears_of
from services.generator.sdxl.weights import Shape
from tests.generator.sdxl.tiny import tiny_pipeline

_VOCABULARY = 49_408


def pipeline_of(
    scale: Scale, device: torch.device, dtype: torch.dtype
) -> StableDiffusionXLPipeline:
    """A pipeline of its own, on the device, in this type but for what its parts refuse."""
    if scale is TINY:
        return tiny_pipeline().to(device, dtype)
    return _full(device, dtype)


def unet_linears(scale: Scale) -> dict[str, Shape]:
    """The linears of its UNet, without the memory for one."""
    if scale is TINY:
        return linears_of(tiny_pipeline().unet)
    with torch.device("meta"):
        return linears_of(_unet())


def _full(device: torch.device, dtype: torch.dtype) -> StableDiffusionXLPipeline:
    """The parts of stabilityai/stable-diffusion-xl-base-1.0, as its configs have them."""
    small = tiny_pipeline()  # its tokenizers need no files
    with _made_on(device, dtype):
        return StableDiffusionXLPipeline(
            vae=_vae(),
            text_encoder=CLIPTextModel(_encoder(small, 768, 12, 12, "quick_gelu")),
            text_encoder_2=CLIPTextModelWithProjection(_encoder(small, 1280, 32, 20, "gelu")),
            tokenizer=small.tokenizer,
            tokenizer_2=small.tokenizer_2,
            unet=_unet(),
            scheduler=small.scheduler,
            add_watermarker=False,
        ).to(device, dtype)


@contextmanager
def _made_on(device: torch.device, dtype: torch.dtype) -> Iterator[None]:
    """Weights drawn where they are needed, and never larger than needed."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            yield
    finally:
        torch.set_default_dtype(before)


def _unet() -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=128,
        block_out_channels=(320, 640, 1280),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        layers_per_block=2,
        transformer_layers_per_block=(1, 2, 10),
        attention_head_dim=(5, 10, 20),
        cross_attention_dim=2048,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=256,
        projection_class_embeddings_input_dim=2816,
    )


def _vae() -> AutoencoderKL:
    return AutoencoderKL(
        sample_size=1024,
        block_out_channels=(128, 256, 512, 512),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=2,
        latent_channels=4,
        scaling_factor=0.13025,
        force_upcast=True,
    )


def _encoder(
    small: StableDiffusionXLPipeline, width: int, layers: int, heads: int, activation: str
) -> CLIPTextConfig:
    signs = small.text_encoder.config
    return CLIPTextConfig(
        vocab_size=_VOCABULARY,
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        hidden_act=activation,
        max_position_embeddings=77,
        projection_dim=width,
        bos_token_id=signs.bos_token_id,
        eos_token_id=signs.eos_token_id,
        pad_token_id=signs.pad_token_id,
    )
