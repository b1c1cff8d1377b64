"""Before the first wish: what memory a step takes, and every compiled variant once."""

import itertools
from collections.abc import Callable, Iterable
from functools import partial

import torch

from services.generator.sdxl.bank import EMPTY, Occupant
from services.generator.sdxl.canvas import Canvas
from services.generator.sdxl.ceilings import Memory
from services.generator.sdxl.components import Components
from services.generator.sdxl.decoding import Decoder
from services.generator.sdxl.denoising import Denoiser
from services.generator.sdxl.device import Device
from services.generator.sdxl.drawing import Drawing
from services.generator.sdxl.encoding import Encoded
from services.generator.sdxl.sampling import Column

MEASURED = Canvas(1024, 1024, guided=True)
TOKENS = 77


def measured(
    denoiser: Denoiser,
    decoder: Decoder,
    device: Device,
    components: Components,
    share: float,
    canvas: Canvas = MEASURED,
) -> Memory | None:
    """What steps and decoding take, by taking some and decoding once. None on a CPU."""
    if device.free_bytes() is None:
        return None
    one = blank(components, canvas)
    # The first also makes the libraries ready, whose workspaces stay.
    peaks = [_peak(device, partial(denoiser.step, [one] * count)) for count in (1, 1, 2)]
    decoding = _peak(device, partial(decoder.decode, one.latents))
    device.drop_cache()
    pixels = canvas.width * canvas.height
    return Memory(
        room_bytes=int((device.free_bytes() or 0) * share),
        row_bytes_per_pixel=(peaks[2] - peaks[1]) / (pixels * canvas.rows),
        decoding_bytes_per_pixel=decoding / pixels,
    )


def warm(denoiser: Denoiser, components: Components, fixed: Iterable[Canvas], seats: int) -> None:
    """Every compiled variant: sizes, numbers of samples, with a LoRA among them and without."""
    counts = [1 << power for power in range(seats.bit_length())]
    nobody = Occupant("nobody", 0, 0.0)
    for canvas, count, occupant in itertools.product(fixed, counts, (EMPTY, nobody)):
        denoiser.step([blank(components, canvas, occupant)] * count)


def blank(components: Components, canvas: Canvas, occupant: Occupant = EMPTY) -> Drawing:
    """A drawing of nothing that may take some thousand steps."""
    first, second = components.text_encoders
    pooled = second.text_projection.out_features
    width = first.config.hidden_size + second.config.hidden_size
    ones = partial(torch.ones, device=components.device)
    latents = ones(1, components.unet.config.in_channels, *canvas.latent)
    return Drawing(
        canvas=canvas,
        steps=0,
        latents=latents,
        guess=latents,
        stray=None,
        table=torch.zeros(1, len(Column), device=components.device).expand(4096, -1),
        guidance=ones(1, 1, 1),
        text=Encoded(
            ones(canvas.rows, TOKENS, width, dtype=components.dtype),
            ones(canvas.rows, pooled, dtype=components.dtype),
        ),
        time_ids=ones(canvas.rows, 6, dtype=components.dtype),
        occupant=occupant,
    )


def _peak(device: Device, work: Callable[[], object]) -> int:
    # Asking starts the count anew.
    device.peak_bytes()
    before = device.peak_bytes()
    work()
    device.mark().wait()
    return device.peak_bytes() - before
