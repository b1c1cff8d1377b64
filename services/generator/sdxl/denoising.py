"""One step of a batch: one pass through the UNet, whatever each sample's sampler and LoRA are."""

from collections.abc import Callable, Sequence

import torch

from services.generator.sdxl.bank import EMPTY, Bank
from services.generator.sdxl.canvas import Canvas
from services.generator.sdxl.components import Components
from services.generator.sdxl.drawing import Drawing
from services.generator.sdxl.sampling import Column

Predict = Callable[..., tuple[torch.Tensor]]


class Denoiser:
    """Takes steps. Either every drawing of a batch has taken the step, or none has.

    On a canvas of `fixed` the compiled UNet is used, and a batch is padded to a power of two.
    """

    def __init__(
        self,
        components: Components,
        bank: Bank,
        *,
        compiled: Predict | None = None,
        fixed: frozenset[Canvas] = frozenset(),
    ) -> None:
        self._unet: Predict = components.unet
        self._dtype = components.dtype
        self._bank = bank
        # Not `or`: a compiled module has no truth.
        self._compiled = self._unet if compiled is None else compiled
        self._fixed = fixed

    def step(self, drawings: Sequence[Drawing]) -> None:
        """The next step of each; all share a canvas."""
        fixed = drawings[0].canvas in self._fixed
        count = next_power_of_two(len(drawings)) if fixed else len(drawings)
        padded = [*drawings, *[drawings[-1]] * (count - len(drawings))]
        occupants = [drawing.occupant for drawing in drawings]
        self._bank.sit([*occupants, *[EMPTY] * (count - len(drawings))])
        predict = self._compiled if fixed else self._unet
        latents, guesses = self._advanced(predict, padded)
        for drawing, latent, guess in zip(
            drawings, latents[:, None], guesses[:, None], strict=False
        ):
            drawing.latents, drawing.guess = latent, guess
            drawing.done += 1
            drawing.largest_batch = max(drawing.largest_batch, count)

    def _advanced(
        self, predict: Predict, drawings: Sequence[Drawing]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        rows = torch.stack([drawing.table[drawing.done] for drawing in drawings])
        numbers = rows[:, :, None, None, None]
        latents = torch.cat([drawing.latents for drawing in drawings])
        predicted = self._predicted(predict, drawings, latents, rows)
        guess = numbers[:, Column.KEEP] * latents + numbers[:, Column.TURN] * predicted
        before = torch.cat([drawing.guess for drawing in drawings])
        after = (
            numbers[:, Column.CARRY] * latents
            + numbers[:, Column.FRESH] * guess
            + numbers[:, Column.PAST] * before
        )
        if any(drawing.stray is not None for drawing in drawings):
            after = after + numbers[:, Column.STRAY] * torch.cat([_stray(one) for one in drawings])
        return after, guess

    def _predicted(
        self,
        predict: Predict,
        drawings: Sequence[Drawing],
        latents: torch.Tensor,
        numbers: torch.Tensor,
    ) -> torch.Tensor:
        canvas = drawings[0].canvas
        scaled = (latents * numbers[:, Column.SCALE, None, None, None]).to(self._dtype)
        out = predict(
            _for_rows(scaled, canvas.rows),
            _for_rows(numbers[:, Column.TIMESTEP], canvas.rows),
            encoder_hidden_states=torch.cat([drawing.text.tokens for drawing in drawings]),
            added_cond_kwargs={
                "text_embeds": torch.cat([drawing.text.pooled for drawing in drawings]),
                "time_ids": torch.cat([drawing.time_ids for drawing in drawings]),
            },
            return_dict=False,
        )
        predicted = out[0].float()
        if not canvas.guided:
            return predicted
        without, with_prompt = predicted[0::2], predicted[1::2]
        guidance = torch.stack([drawing.guidance for drawing in drawings])
        return without + guidance * (with_prompt - without)


def _for_rows(tensor: torch.Tensor, rows: int) -> torch.Tensor:
    # A sample's rows lie side by side, as the bank wants them.
    return tensor[:, None].expand(-1, rows, *tensor.shape[1:]).flatten(0, 1)


def _stray(drawing: Drawing) -> torch.Tensor:
    if drawing.stray is None:
        return torch.zeros_like(drawing.latents)
    return drawing.stray[drawing.done : drawing.done + 1]


def next_power_of_two(count: int) -> int:
    """The least that is not below."""
    return 1 << (count - 1).bit_length()
