"""All that works on the device, built in the device's thread, and made ready for the first wish."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import torch

from services.generator.sdxl.admission import Admission
from services.generator.sdxl.bank import Bank
from services.generator.sdxl.beginning import Beginner
from services.generator.sdxl.canvas import Canvas
from services.generator.sdxl.ceilings import Ceilings
from services.generator.sdxl.components import Components
from services.generator.sdxl.cuda import device_of
from services.generator.sdxl.decoding import Decoder
from services.generator.sdxl.denoising import Denoiser, next_power_of_two
from services.generator.sdxl.device import Device
from services.generator.sdxl.encoding import Encoder
from services.generator.sdxl.figures import Tally
from services.generator.sdxl.limits import EngineLimits
from services.generator.sdxl.loading import SlotLoads
from services.generator.sdxl.slots import Slots
from services.generator.sdxl.stepping import Stepper
from services.generator.sdxl.warming import measured, warm


@dataclass(frozen=True, slots=True)
class Studio:
    """The parts, for one thread."""

    device: Device
    bank: Bank
    slots: Slots
    loads: SlotLoads
    encoder: Encoder
    decoder: Decoder
    ceilings: Ceilings
    stepper: Stepper
    admission: Admission


def studio_of(
    components: Components,
    limits: EngineLimits,
    tally: Tally,
    packers: Executor,
    wake: Callable[[], None],
) -> Studio:
    """Banks the model, measures memory where there is a device's, and compiles what is wanted."""
    device = device_of(components.device)
    fixed = frozenset(Canvas(width, height, guided=True) for width, height in limits.compiled)
    seats = next_power_of_two(limits.batch) if fixed else limits.batch
    bank = Bank(components.unet, rank=limits.rank, slots=limits.slots, seats=seats)
    slots = Slots(limits.slots)
    loads = SlotLoads(bank, slots, device, packers, wake)
    encoder = Encoder(components, device, rank=limits.rank, remembered=limits.prompts)
    decoder = Decoder(components, device)
    denoiser = Denoiser(components, bank, compiled=_compiled(components, limits), fixed=fixed)
    # As the loop will: what is compiled here is compiled for inference mode.
    with torch.inference_mode():
        memory = measured(denoiser, decoder, device, components, limits.memory_share)
        warm(denoiser, components, fixed, seats)
        bank.clear()
    ceilings = Ceilings(limits.batch, memory)
    begin = Beginner(components, encoder, device).begin
    return Studio(
        device=device,
        bank=bank,
        slots=slots,
        loads=loads,
        encoder=encoder,
        decoder=decoder,
        ceilings=ceilings,
        stepper=Stepper(denoiser, ceilings, tally, device.drop_cache),
        admission=Admission(slots, loads, begin, ceilings, ahead=limits.ahead),
    )


def _compiled(
    components: Components, limits: EngineLimits
) -> Callable[..., tuple[torch.Tensor]] | None:
    if not limits.compiled:
        return None
    variants = 4 * limits.batch * len(limits.compiled)
    config: Any = torch._dynamo.config  # noqa: SLF001 - the only way to say it
    config.recompile_limit = max(variants, config.recompile_limit)
    unet: Callable[..., tuple[torch.Tensor]] = components.unet
    return torch.compile(unet, dynamic=False, backend=limits.compile_backend)
