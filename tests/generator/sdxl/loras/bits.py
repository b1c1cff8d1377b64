"""Small targets, small files, and how they are read."""

import hashlib
import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from services.generator.sdxl.loras.reading.file import ReadsLoras
from services.generator.sdxl.loras.reading.limits import ReadLimits
from services.generator.sdxl.loras.reading.names import Names
from services.generator.sdxl.weights import LoraWeights, LowRank, Targets

Q = "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q"
OUT = "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_out.0"
CROSS = "up_blocks.0.attentions.1.transformer_blocks.0.attn2.to_k"
TE_Q = "text_model.encoder.layers.0.self_attn.q_proj"

TARGETS = Targets(
    unet={
        Q: (6, 6),
        OUT: (6, 6),
        CROSS: (6, 10),
        "down_blocks.1.attentions.0.proj_in": (6, 6),
        "down_blocks.1.attentions.1.transformer_blocks.0.ff.net.0.proj": (12, 6),
    },
    text_encoders=({TE_Q.removeprefix("text_model."): (4, 4)}, {TE_Q: (5, 5)}),
)
"""The first encoder without, the second with the outer module, as transformers 5 has them."""

KOHYA_Q = f"lora_unet_{Q.replace('.', '_')}"
PEFT_Q = f"unet.{Q}"

Tensors = dict[str, torch.Tensor]


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def pair(stem: str = PEFT_Q, shape: tuple[int, int] = (6, 6), rank: int = 2) -> Tensors:
    """One module's change in peft's form."""
    return {
        f"{stem}.lora_A.weight": noise(rank, shape[1]),
        f"{stem}.lora_B.weight": noise(shape[0], rank),
    }


def kohya_pair(
    stem: str = KOHYA_Q, shape: tuple[int, int] = (6, 6), rank: int = 2, alpha: float | None = 1.0
) -> Tensors:
    """One module's change in kohya's form."""
    down, up = pair("x", shape, rank).values()
    tensors = {f"{stem}.lora_down.weight": down, f"{stem}.lora_up.weight": up}
    return tensors if alpha is None else tensors | {f"{stem}.alpha": torch.tensor(alpha)}


def as_file(tensors: Tensors, metadata: Mapping[str, str] | None = None) -> bytes:
    return save(tensors, None if metadata is None else dict(metadata))


def raw_file(header: Any, data: bytes = b"") -> bytes:
    """A file whose header says what the test wants, true or not."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def tensor(start: int, end: int, shape: list[int], dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


def read(
    directory: Path,
    content: bytes | Tensors,
    *,
    targets: Targets = TARGETS,
    limits: ReadLimits | None = None,
    metadata: Mapping[str, str] | None = None,
) -> LoraWeights:
    """Read a file as the library does."""
    data = content if isinstance(content, bytes) else as_file(content, metadata)
    path = directory / "lora"
    path.write_bytes(data)
    with path.open("rb") as file:
        reads = ReadsLoras(Names(targets), limits or ReadLimits())
        return reads(file, hashlib.sha256(data).hexdigest())


def delta(change: LowRank) -> torch.Tensor:
    return change.up.float() @ change.down.float()
