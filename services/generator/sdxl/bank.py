"""Linears with a seat for the LoRA of every sample, so one pass serves many LoRAs, or none.

A LoRA lies in a slot, scaled by nothing. A sample has a seat: its slot's matrices times its own
scale, copied there once, when it sits down. A pass then multiplies batch by batch, without
gathering anything, and never writes to the base weights: nothing can drift or be left behind.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from services.generator.sdxl.components import linears_of
from services.generator.sdxl.layout import layout_of


@dataclass(frozen=True, slots=True)
class Occupant:
    """Who sits on a seat: a LoRA (`key`), the slot where it lies and the strength wanted."""

    key: str
    slot: int
    scale: float


EMPTY = Occupant("", 0, 0.0)
"""Slot 0 holds zeros, for good."""


class Pass:
    """What a pass through the model is about to be: how many samples, and whether any has a LoRA.

    `taken` is the one branch within the model. It changes no value of a sample without LoRA: with
    it, zeros are added.
    """

    def __init__(self) -> None:
        self.samples = 1
        self.taken = False


class BankedLinear(nn.Linear):
    """A linear that adds every sample's own low-rank change to its rows.

    The rows of a sample lie side by side in the batch. `down` is (seats, rank, in features), `up`
    (seats, out features, rank); both are views of the bank.
    """

    down: torch.Tensor
    up: torch.Tensor

    def __init__(self, base: nn.Linear, now: Pass, down: torch.Tensor, up: torch.Tensor) -> None:
        # On meta: the weights are the base's own, never a copy.
        super().__init__(base.in_features, base.out_features, base.bias is not None, device="meta")
        self.weight = base.weight
        self.bias = base.bias
        self.now = now
        self.register_buffer("down", down, persistent=False)
        self.register_buffer("up", up, persistent=False)

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 - as nn.Linear has it
        out = functional.linear(input, self.weight, self.bias)
        if not self.now.taken:
            return out
        samples = self.now.samples
        rows = input.reshape(samples, -1, self.in_features)
        low = torch.bmm(rows, self.down[:samples].mT)
        # In place: the sum costs no second pass over the output.
        out.view(samples, -1, self.out_features).baddbmm_(low, self.up[:samples].mT)
        return out


class Bank:
    """The slots and seats of a module, whose linears it replaces by banked ones.

    Slots and seats are rows of two tensors; a row of a slot is what `layout.pack` writes.
    """

    def __init__(self, module: nn.Module, *, rank: int, slots: int, seats: int) -> None:
        like = next(module.parameters())
        self.layout = layout_of(linears_of(module), rank)
        self.slots = torch.zeros(
            (slots + 1, self.layout.size), device=like.device, dtype=like.dtype
        )
        self._seats = torch.zeros((seats, self.layout.size), device=like.device, dtype=like.dtype)
        self._occupants: list[Occupant | None] = [None] * seats
        self._now = Pass()
        self._install(module)

    def sit(self, occupants: Sequence[Occupant]) -> None:
        """The next pass is for these, in the batch's order; who sits there already stays."""
        self._now.samples = len(occupants)
        self._now.taken = any(occupant is not EMPTY for occupant in occupants)
        if self._now.taken:
            for seat, occupant in enumerate(occupants):
                if self._occupants[seat] != occupant:
                    self._seat(seat, occupant)

    def clear(self) -> None:
        """Nobody sits anywhere, and the seats hold zeros again."""
        self._now.taken = False
        self._seats.zero_()
        self._occupants = [None] * len(self._occupants)

    def _seat(self, seat: int, occupant: Occupant) -> None:
        # Until both are copied, nobody in particular sits there.
        self._occupants[seat] = None
        ups_at = self.layout.ups_at
        slot, row = self.slots[occupant.slot], self._seats[seat]
        row[:ups_at].copy_(slot[:ups_at])
        torch.mul(slot[ups_at:], occupant.scale, out=row[ups_at:])
        self._occupants[seat] = occupant

    def _install(self, module: nn.Module) -> None:
        for path in self.layout.places:
            base: Any = module.get_submodule(path)
            down, up = self.layout.down(self._seats, path), self.layout.up(self._seats, path)
            module.set_submodule(path, BankedLinear(base, self._now, down, up))
