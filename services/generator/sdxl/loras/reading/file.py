"""A whole LoRA file, from bytes to checked weights."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from io import BufferedReader

import torch

from services.generator.sdxl.loras.reading import numbers
from services.generator.sdxl.loras.reading.header import read_header
from services.generator.sdxl.loras.reading.limits import ReadLimits
from services.generator.sdxl.loras.reading.names import Names, Part, Place
from services.generator.sdxl.loras.reading.pairs import Pair, read_pairs
from services.generator.sdxl.loras.reading.reduction import reduced
from services.generator.sdxl.loras.reading.scales import Scales
from services.generator.sdxl.loras.refusals import shown, unusable
from services.generator.sdxl.weights import LoraWeights, LowRank


@dataclass(frozen=True, slots=True)
class ReadsLoras:
    """Reads files for one model. It blocks, and belongs in a thread."""

    names: Names
    limits: ReadLimits

    def __call__(self, file: BufferedReader, sha256: str) -> LoraWeights:
        """Read an open file whose hash is known. Raises NoPicture (LORA_LOAD_FAILED)."""
        size = os.fstat(file.fileno()).st_size
        if size > self.limits.file_bytes:
            raise unusable(f"The file is larger than {self.limits.file_bytes} bytes.")
        header = read_header(file, size, self.limits.header_bytes)
        pairs = read_pairs(header, self.names)
        self._check_ranks(pairs)
        scales = Scales(header.metadata)
        changes = {pair.place: self._change(file, pair, scales) for pair in pairs}
        if not any(_does_something(change) for change in changes.values()):
            # As files are that were saved before the first step: every image would be nobody's.
            raise unusable("All changes are zero: the file was never trained, or is damaged.")
        return _together(sha256, changes, pairs, self.limits.rank)

    def _check_ranks(self, pairs: Iterable[Pair]) -> None:
        for pair in pairs:
            if pair.rank > self.limits.rank and not self.limits.reduces:
                raise unusable(
                    f"{shown(pair.down.name)} has rank {pair.rank}; at most {self.limits.rank}."
                )

    def _change(self, file: BufferedReader, pair: Pair, scales: Scales) -> LowRank:
        down = numbers.matrix(file, pair.down)
        up = numbers.matrix(file, pair.up)
        alpha = None if pair.alpha is None else numbers.number(file, pair.alpha)
        scale = scales.scale(pair.place, pair.rank, alpha)
        if scale != 1.0:
            up = up.float() * scale
            numbers.check(up, pair.up.name)
        change = LowRank(down, up)
        if pair.rank <= self.limits.rank:
            return change
        less = reduced(change, self.limits.rank)
        numbers.check(less.up, pair.up.name)
        numbers.check(less.down, pair.down.name)
        # As exact as the file was; float32 would take twice the memory for nothing.
        return LowRank(less.down.to(down.dtype), less.up.to(down.dtype))


def _does_something(change: LowRank) -> bool:
    return bool(change.up.any()) and bool(change.down.any())


def _together(
    sha256: str, changes: dict[Place, LowRank], pairs: tuple[Pair, ...], most_rank: int
) -> LoraWeights:
    def of(part: Part) -> dict[str, LowRank]:
        return {place.path: change for place, change in changes.items() if place.part is part}

    rank = max(pair.rank for pair in pairs)
    return LoraWeights(
        sha256=sha256,
        unet=of(Part.UNET),
        text_encoders=(of(Part.FIRST_ENCODER), of(Part.SECOND_ENCODER)),
        rank=min(rank, most_rank),
        size_bytes=sum(_bytes(one.down) + _bytes(one.up) for one in changes.values()),
        reduced_from=rank if rank > most_rank else None,
    )


def _bytes(tensor: torch.Tensor) -> int:
    return tensor.numel() * tensor.element_size()
