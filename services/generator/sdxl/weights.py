"""A LoRA that was read, checked and brought into one form: pairs of matrices by module."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import torch

Shape = tuple[int, int]
"""Out features, in features: as in `torch.nn.Linear.weight`."""


@dataclass(frozen=True, slots=True)
class Targets:
    """Every linear that a LoRA may change: module path → shape.

    `unet` holds paths within the UNet, `text_encoders` within the first and the second encoder.
    """

    unet: Mapping[str, Shape]
    text_encoders: tuple[Mapping[str, Shape], Mapping[str, Shape]]


@dataclass(frozen=True, slots=True)
class LowRank:
    """A change of one linear: `up @ down`, with alpha / rank in `up` already.

    `down` has the shape (rank, in features), `up` (out features, rank); both finite, float32 or as
    in the file, on the CPU.
    """

    down: torch.Tensor
    up: torch.Tensor


@dataclass(frozen=True, slots=True)
class LoraWeights:
    """A whole file. `rank` is the largest in it; `reduced_from` the file's, where it was above."""

    sha256: str
    unet: Mapping[str, LowRank]
    text_encoders: tuple[Mapping[str, LowRank], Mapping[str, LowRank]]
    rank: int
    size_bytes: int
    reduced_from: int | None = None


class LoraLibrary(Protocol):
    """Where LoRAs come from: the network, the disk or memory, whichever is nearest."""

    async def weights(self, url: str, *, limit_s: float) -> LoraWeights:
        """The weights behind a link. Raises NoPicture (LORA_DOWNLOAD_FAILED, LORA_LOAD_FAILED)."""
        ...
