"""From latents to pixels: one image at a time, so that memory does not grow with the batch."""

from dataclasses import dataclass

import torch

from services.generator.sdxl.components import Components
from services.generator.sdxl.device import Device


@dataclass(frozen=True, slots=True)
class Decoded:
    """On the host, valid once a mark after it is reached. `pixels` is (height, width, 3), 8 bit."""

    pixels: torch.Tensor
    finite: torch.Tensor


class Decoder:
    """The VAE, in a number format in which it does not overflow (see `components`)."""

    def __init__(self, components: Components, device: Device) -> None:
        self._vae = components.vae
        self._dtype = components.vae.dtype
        self._device = device
        self._centre, self._spread = self._statistics()

    def decode(self, latents: torch.Tensor) -> Decoded:
        """One image's latents, (1, 4, height, width). Nothing is waited for."""
        scaled = latents * self._spread / self._vae.config.scaling_factor + self._centre
        image = self._vae.decode(scaled.to(self._dtype), return_dict=False)[0][0].float()
        finite = torch.isfinite(image).all()
        pixels = (image * 0.5 + 0.5).clamp(0, 1).mul(255).round().to(torch.uint8)
        pixels = pixels.permute(1, 2, 0).contiguous()
        return Decoded(self._device.to_host(pixels), self._device.to_host(finite))

    def _statistics(self) -> tuple[torch.Tensor, torch.Tensor]:
        # Some models say how their latents are spread; SDXL's does not.
        config = self._vae.config
        centre, spread = config.get("latents_mean"), config.get("latents_std")
        if centre is None or spread is None:
            centre, spread = [0.0], [1.0]
        like = next(self._vae.parameters())
        return tuple(  # type: ignore[return-value]
            torch.tensor(values, device=like.device).view(1, -1, 1, 1)
            for values in (centre, spread)
        )
