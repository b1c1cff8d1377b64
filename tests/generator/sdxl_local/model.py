"""An SDXL that makes 1024 by 1024 pixels in a second: attention in its smallest layer alone."""

from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel

from tests.generator.sdxl.tiny import tiny_pipeline


def write_model(directory: Path) -> Path:
    """A directory in diffusers' layout."""
    pipeline = tiny_pipeline()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        unet = UNet2DConditionModel.from_config(
            pipeline.unet.config,
            block_out_channels=(4, 4, 8, 8),
            down_block_types=(*("DownBlock2D",) * 3, "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", *("UpBlock2D",) * 3),
            attention_head_dim=(1, 1, 1, 1),
        )
        vae = AutoencoderKL.from_config(
            pipeline.vae.config, block_out_channels=(4,) * 4, mid_block_add_attention=False
        )
    pipeline.register_modules(unet=unet, vae=vae)
    pipeline.save_pretrained(directory)
    return directory
