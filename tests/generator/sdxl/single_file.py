"""The tiny model as one file, in the names of the original SDXL release."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from tests.generator.sdxl.tiny import tiny_pipeline

Tensors = dict[str, torch.Tensor]

RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
ENDS = {
    "conv_in": "input_blocks.0.0",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
    "mid_block.resnets.0": "middle_block.0",
    "mid_block.attentions.0": "middle_block.1",
    "mid_block.resnets.1": "middle_block.2",
}
ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}
LAYER = {
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "self_attn.out_proj": "attn.out_proj",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
}


def write_single_file(path: Path, seed: int = 0) -> Path:
    """What `from_single_file` reads, with the same weights as `write_tiny` of that seed."""
    pipeline = tiny_pipeline(seed)
    tensors = {
        **_under("model.diffusion_model", _unet(pipeline.unet)),
        **_under("first_stage_model", _vae(pipeline.vae)),
        **_under("conditioner.embedders.0.transformer", _first(pipeline.text_encoder)),
        **_under("conditioner.embedders.1.model", _second(pipeline.text_encoder_2)),
    }
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
    return path


def _under(prefix: str, tensors: Tensors) -> Tensors:
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def _renamed(tensors: Tensors, names: dict[str, str]) -> Tensors:
    starts = sorted(names, key=len, reverse=True)

    def new(name: str) -> str:
        start = next((one for one in starts if name.startswith(f"{one}.")), None)
        return name if start is None else names[start] + name[len(start) :]

    return {new(name): tensor for name, tensor in tensors.items()}


def _inner(tensors: Tensors, names: dict[str, str], where: str) -> Tensors:
    """Rename what follows a match of `where`."""

    def new(name: str) -> str:
        match = re.match(where, name)
        if match is None:
            return name
        rest = name[match.end() :]
        for old, short in names.items():
            if rest.startswith(f"{old}."):
                return match.group() + short + rest[len(old) :]
        return name

    return {new(name): tensor for name, tensor in tensors.items()}


def _unet(unet: Any) -> Tensors:
    tensors = _inner(unet.state_dict(), RESNET, r".*resnets\.\d+\.")
    return _renamed(tensors, {**ENDS, **dict(_blocks(unet))})


def _blocks(unet: Any) -> Iterator[tuple[str, str]]:
    number = 0
    for at, block in enumerate(unet.down_blocks):
        for layer in range(len(block.resnets)):
            number += 1
            yield f"down_blocks.{at}.resnets.{layer}", f"input_blocks.{number}.0"
            yield f"down_blocks.{at}.attentions.{layer}", f"input_blocks.{number}.1"
        if block.downsamplers:
            number += 1
            yield f"down_blocks.{at}.downsamplers.0.conv", f"input_blocks.{number}.0.op"
    number = -1
    for at, block in enumerate(unet.up_blocks):
        for layer in range(len(block.resnets)):
            number += 1
            yield f"up_blocks.{at}.resnets.{layer}", f"output_blocks.{number}.0"
            yield f"up_blocks.{at}.attentions.{layer}", f"output_blocks.{number}.1"
        after = 2 if hasattr(block, "attentions") else 1
        yield f"up_blocks.{at}.upsamplers.0.conv", f"output_blocks.{number}.{after}.conv"


def _vae(vae: Any) -> Tensors:
    names: dict[str, str] = {}
    for coder in ("encoder", "decoder"):
        names[f"{coder}.conv_norm_out"] = f"{coder}.norm_out"
        names[f"{coder}.mid_block.attentions.0"] = f"{coder}.mid.attn_1"
        for layer in range(2):
            names[f"{coder}.mid_block.resnets.{layer}"] = f"{coder}.mid.block_{layer + 1}"
    for at in range(4):
        for layer in range(3):
            names[f"encoder.down_blocks.{at}.resnets.{layer}"] = f"encoder.down.{at}.block.{layer}"
            names[f"decoder.up_blocks.{at}.resnets.{layer}"] = f"decoder.up.{3 - at}.block.{layer}"
        names[f"encoder.down_blocks.{at}.downsamplers.0"] = f"encoder.down.{at}.downsample"
        names[f"decoder.up_blocks.{at}.upsamplers.0"] = f"decoder.up.{3 - at}.upsample"
    tensors = _inner(vae.state_dict(), ATTENTION, r".*attentions\.0\.")
    tensors = _inner(tensors, {"conv_shortcut": "nin_shortcut"}, r".*resnets\.\d+\.")
    tensors = _renamed(tensors, names)
    # Its attention was made of convolutions.
    return {
        name: tensor[:, :, None, None]
        if re.search(r"attn_1\.(q|k|v|proj_out)\.weight", name)
        else tensor
        for name, tensor in tensors.items()
    }


def _first(encoder: Any) -> Tensors:
    return {
        name if name.startswith("text_model.") else f"text_model.{name}": tensor
        for name, tensor in encoder.state_dict().items()
    }


def _second(encoder: Any) -> Tensors:
    tensors = {
        name.removeprefix("text_model."): tensor for name, tensor in encoder.state_dict().items()
    }
    made = {"text_projection": tensors.pop("text_projection.weight").T}
    made["positional_embedding"] = tensors.pop("embeddings.position_embedding.weight")
    made["token_embedding.weight"] = tensors.pop("embeddings.token_embedding.weight")
    for layer in range(encoder.config.num_hidden_layers):
        start = f"encoder.layers.{layer}.self_attn"
        for kind in ("weight", "bias"):
            parts = [tensors.pop(f"{start}.{one}_proj.{kind}") for one in "qkv"]
            made[f"transformer.resblocks.{layer}.attn.in_proj_{kind}"] = torch.cat(parts)
    tensors = _inner(tensors, LAYER, r"encoder\.layers\.\d+\.")
    return made | _renamed(
        tensors, {"encoder.layers": "transformer.resblocks", "final_layer_norm": "ln_final"}
    )
