"""The parts of an SDXL model, loaded once: from the hub, a directory or a single file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import StableDiffusionXLPipeline
from diffusers.utils import logging as diffusers_logging
from torch import nn
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer
from transformers.utils import logging as transformers_logging

from services.generator.sdxl.weights import Shape, Targets
from services.generator.sdxl.wishes import FailureCode, NoPicture

Pipeline: Any = StableDiffusionXLPipeline

DTYPES: Mapping[str, torch.dtype] = {
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
}


@dataclass(frozen=True, slots=True)
class Components:
    """What a picture is made with. `base_model` is the source it was loaded from.

    `unet` and `vae` are diffusers' UNet2DConditionModel and AutoencoderKL, whose types say nothing.
    `zeros_for_empty_prompt`: no negative prompt is zeros, not the encoding of an empty text.
    """

    unet: Any
    vae: Any
    text_encoders: tuple[CLIPTextModel, CLIPTextModelWithProjection]
    tokenizers: tuple[CLIPTokenizer, CLIPTokenizer]
    scheduler_config: Mapping[str, Any]
    base_model: str
    device: torch.device
    dtype: torch.dtype
    zeros_for_empty_prompt: bool = True


def load_components(
    source: str,
    device: str | torch.device = "cpu",
    dtype: str | torch.dtype = torch.float32,
    *,
    variant: str | None = None,
    revision: str | None = None,
    config: str | None = None,
    local_only: bool = False,
) -> Components:
    """The model at `source`: a hub id, a directory (diffusers' layout) or a .safetensors file.

    Only safetensors are read, never a pickle. `variant` and `revision` choose among a hub's files;
    `config` is where a single file's configs and tokenizers lie (a hub id or a directory; left out,
    diffusers asks the hub). Blocks; raises NoPicture (MODEL_LOAD_FAILED), which names the source.
    """
    wanted = DTYPES[dtype] if isinstance(dtype, str) else dtype
    choices = {"variant": variant, "revision": revision, "config": config}
    chosen = {key: value for key, value in choices.items() if value is not None}
    try:
        pipeline = _read(source, wanted, local_only=local_only, **chosen)
        return components_of(pipeline, source, torch.device(device), wanted)
    except NoPicture:
        raise
    except Exception as exc:
        detail = f"no model could be loaded from {source} ({type(exc).__name__})"
        raise NoPicture(FailureCode.MODEL_LOAD_FAILED, detail) from exc


def components_of(
    pipeline: Any, source: str, device: torch.device, dtype: torch.dtype
) -> Components:
    """The parts of a pipeline, on the device, and ready to be used by one thread."""
    unet, vae = pipeline.unet, pipeline.vae
    encoders = (pipeline.text_encoder, pipeline.text_encoder_2)
    if device.type == "cuda":
        # Convolutions in half precision are made for it; elsewhere it only costs copies.
        unet = unet.to(memory_format=torch.channels_last)
        vae = vae.to(memory_format=torch.channels_last)
    for part in (unet, *encoders):
        _settle(part, device, dtype)
    _settle(vae, device, _decoding_dtype(vae, dtype))
    return Components(
        unet=unet,
        vae=vae,
        text_encoders=encoders,
        tokenizers=(pipeline.tokenizer, pipeline.tokenizer_2),
        scheduler_config=dict(pipeline.scheduler.config),
        base_model=source,
        device=device,
        dtype=dtype,
        zeros_for_empty_prompt=bool(pipeline.config.force_zeros_for_empty_prompt),
    )


def targets_of(components: Components) -> Targets:
    """Every linear of the UNet and of both text encoders, with its shape."""
    first, second = components.text_encoders
    return Targets(
        unet=linears_of(components.unet),
        text_encoders=(linears_of(first), linears_of(second)),
    )


def linears_of(module: nn.Module) -> dict[str, Shape]:
    """The paths of a module's linears, with their shapes."""
    return {
        path: (part.out_features, part.in_features)
        for path, part in module.named_modules()
        if isinstance(part, nn.Linear)
    }


def _read(source: str, dtype: torch.dtype, *, local_only: bool, **chosen: str) -> Any:
    for log in (diffusers_logging, transformers_logging):
        log.disable_progress_bar()
    how = {"dtype": dtype, "local_files_only": local_only, "add_watermarker": False}
    path = Path(source).expanduser()
    if path.is_file():
        if path.suffix != ".safetensors":
            raise _unusable(source, "a single file has to be .safetensors")
        return Pipeline.from_single_file(str(path), **how, **chosen)
    if path.is_dir() and not (path / "model_index.json").is_file():
        raise _unusable(source, "the directory has no model_index.json")
    if not path.is_dir() and _looks_like_a_path(source):
        raise _unusable(source, "nothing is there")
    chosen.pop("config", None)
    return Pipeline.from_pretrained(
        str(path) if path.is_dir() else source, use_safetensors=True, **how, **chosen
    )


def _looks_like_a_path(source: str) -> bool:
    # A hub id is "owner/name", nothing else.
    return source.startswith((".", "/", "~")) or source.count("/") != 1


def _unusable(source: str, reason: str) -> NoPicture:
    return NoPicture(FailureCode.MODEL_LOAD_FAILED, f"no model at {source}: {reason}")


def _decoding_dtype(vae: Any, dtype: torch.dtype) -> torch.dtype:
    # SDXL's decoder overflows in float16; bfloat16 has the range of float32.
    forced = dtype == torch.float16 and vae.config.force_upcast
    return torch.float32 if forced else dtype


def _settle(part: nn.Module, device: torch.device, dtype: torch.dtype) -> None:
    # diffusers' own `to` warns where there is nothing to warn of.
    nn.Module.to(part, device=device, dtype=dtype).eval().requires_grad_(requires_grad=False)
