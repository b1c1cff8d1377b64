"""A ticket's first moment on the device: noise, prompt and the numbers of its sampler."""

import torch

from services.generator.sdxl.bank import EMPTY, Occupant
from services.generator.sdxl.components import Components
from services.generator.sdxl.device import Device
from services.generator.sdxl.drawing import Drawing, start_of
from services.generator.sdxl.encoding import Encoder, text_lora
from services.generator.sdxl.ticket import Ticket


class Beginner:
    """Begins drawings, in the device's thread. Hands in work, waits for none."""

    def __init__(self, components: Components, encoder: Encoder, device: Device) -> None:
        self._dtype = components.dtype
        self._config = components.scheduler_config
        self._channels = int(components.unet.config.in_channels)
        self._encoder = encoder
        self._device = device

    def begin(self, ticket: Ticket) -> Drawing:
        """Its drawing, before the first step. NoPicture where its LoRA fits no encoder."""
        wish, canvas = ticket.wish, ticket.canvas
        lora = text_lora(ticket.weights, wish.lora.scale if wish.lora else 0.0)
        text = self._encoder.encode(
            wish.prompt, wish.negative_prompt, guided=canvas.guided, lora=lora
        )
        start = ticket.start or start_of(wish, ticket.seed, self._config, self._channels)
        ticket.start = None
        latents = self._upload(start.first) * start.plan.start
        return Drawing(
            canvas=canvas,
            steps=wish.steps,
            latents=latents,
            guess=torch.zeros_like(latents),
            stray=None if start.stray is None else self._upload(start.stray),
            table=self._upload(start.plan.table),
            guidance=self._upload(torch.tensor(wish.cfg).view(1, 1, 1)),
            text=text,
            time_ids=self._time_ids(wish.height, wish.width, canvas.rows),
            occupant=_occupant(ticket),
        )

    def _time_ids(self, height: int, width: int, rows: int) -> torch.Tensor:
        # Original size, no crop, target size.
        ids = torch.tensor([[height, width, 0, 0, height, width]], dtype=self._dtype)
        return self._upload(ids.repeat(rows, 1))

    def _upload(self, tensor: torch.Tensor) -> torch.Tensor:
        return self._device.to_device(tensor)


def _occupant(ticket: Ticket) -> Occupant:
    if ticket.slot is None or ticket.wish.lora is None:
        return EMPTY
    return Occupant(ticket.slot.key, ticket.slot.number, ticket.wish.lora.scale)
