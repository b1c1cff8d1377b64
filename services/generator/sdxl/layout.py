"""Where the matrices of a LoRA lie in one flat row, so that changing one is a single copy."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch

from services.generator.sdxl.weights import LowRank, Shape
from services.generator.sdxl.wishes import FailureCode, NoPicture

ALIGNED = 64
"""Elements: every matrix starts where tensor cores and vector loads like it."""


@dataclass(frozen=True, slots=True)
class Place:
    """A linear's two matrices within a row: `down` at one offset, `up` at the other."""

    shape: Shape
    down_at: int
    up_at: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Rows of `size` elements: first every `down`, from `ups_at` on every `up`."""

    rank: int
    places: Mapping[str, Place]
    ups_at: int
    size: int

    def down(self, rows: torch.Tensor, path: str) -> torch.Tensor:
        """A view of (rows, rank, in features)."""
        place = self.places[path]
        return self._view(rows, place.down_at, (self.rank, place.shape[1]))

    def up(self, rows: torch.Tensor, path: str) -> torch.Tensor:
        """A view of (rows, out features, rank)."""
        place = self.places[path]
        return self._view(rows, place.up_at, (place.shape[0], self.rank))

    def pack(self, pairs: Mapping[str, LowRank], into: torch.Tensor) -> None:
        """Write a LoRA over a row; what it lacks is zeros. NoPicture when it does not fit."""
        into.zero_()
        row = into[None]
        for path, pair in pairs.items():
            rank = self._fitting_rank(path, pair)
            self.down(row, path)[0, :rank].copy_(pair.down)
            self.up(row, path)[0, :, :rank].copy_(pair.up)
        if not torch.isfinite(into).all():
            raise _misfit("a value is not finite, or too large for the model's number format")

    def _fitting_rank(self, path: str, pair: LowRank) -> int:
        place = self.places.get(path)
        if place is None:
            raise _misfit(f"the model has no linear {path}")
        rank = pair.down.shape[0]
        if rank > self.rank:
            raise _misfit(f"rank {rank} is more than {self.rank}")
        wanted = ((rank, place.shape[1]), (place.shape[0], rank))
        if (tuple(pair.down.shape), tuple(pair.up.shape)) != wanted:
            raise _misfit(f"the matrices of {path} do not fit")
        return rank

    @staticmethod
    def _view(rows: torch.Tensor, start: int, shape: tuple[int, int]) -> torch.Tensor:
        return rows[:, start : start + shape[0] * shape[1]].view(-1, *shape)


def layout_of(linears: Mapping[str, Shape], rank: int) -> Layout:
    """A row for these linears, each padded to this rank."""
    downs = list(_starts([shape[1] * rank for shape in linears.values()]))
    ups = list(_starts([shape[0] * rank for shape in linears.values()], downs[-1]))
    places = {
        path: Place(shape, down_at, up_at)
        for (path, shape), down_at, up_at in zip(linears.items(), downs, ups, strict=False)
    }
    return Layout(rank=rank, places=places, ups_at=downs[-1], size=ups[-1])


def _starts(sizes: list[int], start: int = 0) -> Iterator[int]:
    # One more than sizes: the last is where the next part begins.
    for size in [*sizes, 0]:
        yield start
        start += -(-size // ALIGNED) * ALIGNED


def _misfit(reason: str) -> NoPicture:
    return NoPicture(FailureCode.LORA_LOAD_FAILED, f"the LoRA does not fit: {reason}")
