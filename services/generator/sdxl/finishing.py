"""From pixels to a picture, away from the device and from the event loop."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import diffusers
import structlog
import torch
import transformers

from services.generator.sdxl.components import Components
from services.generator.sdxl.decoding import Decoded
from services.generator.sdxl.figures import Tally
from services.generator.sdxl.png import png
from services.generator.sdxl.ticket import Ticket
from services.generator.sdxl.wishes import AppliedLora, FailureCode, Picture

log = structlog.get_logger()


class Finisher:
    """Writes PNGs on a few threads and answers whoever waits."""

    def __init__(self, components: Components, tally: Tally, threads: ThreadPoolExecutor) -> None:
        self._base_model = components.base_model
        self._device = _name_of(components.device)
        self._dtype = str(components.dtype).removeprefix("torch.")
        self._versions = _versions()
        self._tally = tally
        self._threads = threads

    def hand_in(self, ticket: Ticket, decoded: Decoded) -> None:
        """From the device's thread, once the pixels are on the host."""
        self._threads.submit(self._finish, ticket, decoded)

    def _finish(self, ticket: Ticket, decoded: Decoded) -> None:
        if ticket.dropped:
            return
        try:
            self._answer(ticket, decoded)
        except Exception as exc:
            log.exception("sdxl.finishing_failed")
            ticket.fail(
                FailureCode.GENERATION_FAILED,
                f"the image could not be written ({type(exc).__name__})",
            )

    def _answer(self, ticket: Ticket, decoded: Decoded) -> None:
        if not bool(decoded.finite) or not bool(decoded.pixels.any()):
            self._tally.failures[FailureCode.GENERATION_FAILED] += 1
            ticket.fail(FailureCode.GENERATION_FAILED, "the model drew nothing: no finite numbers")
            return
        picture = self._picture(ticket, png(decoded.pixels.numpy()))
        self._tally.pictures += 1
        ticket.give(picture)

    def _picture(self, ticket: Ticket, data: bytes) -> Picture:
        wish = ticket.wish
        return Picture(
            png=data,
            width=wish.width,
            height=wish.height,
            seed=ticket.seed,
            steps=wish.steps,
            cfg=wish.cfg,
            sampler=wish.sampler,
            base_model=self._base_model,
            lora=_applied(ticket),
            largest_batch=ticket.largest_batch,
            duration_s=time.monotonic() - ticket.since_s,
            device=self._device,
            dtype=self._dtype,
            versions=self._versions,
        )


def _applied(ticket: Ticket) -> AppliedLora | None:
    weights, lora = ticket.weights, ticket.wish.lora
    if weights is None or lora is None:
        return None
    return AppliedLora(weights.sha256, weights.rank, lora.scale, weights.reduced_from)


def _name_of(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def _versions() -> Mapping[str, str]:
    cuda = {"cuda": torch.version.cuda} if torch.version.cuda else {}
    return {
        "torch": str(torch.__version__),
        "diffusers": diffusers.__version__,
        "transformers": transformers.__version__,
        **cuda,
    }
