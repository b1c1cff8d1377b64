"""What a step takes is measured where a device counts its memory."""

from dataclasses import dataclass, field
from typing import Any

import torch

from services.generator.sdxl.bank import Bank
from services.generator.sdxl.canvas import Canvas
from services.generator.sdxl.decoding import Decoder
from services.generator.sdxl.denoising import Denoiser
from services.generator.sdxl.device import CpuDevice
from services.generator.sdxl.warming import measured
from tests.generator.sdxl.tiny import tiny_components

MEASURED = Canvas(64, 64, guided=True)
MIB = 2**20


@dataclass
class Counting(CpuDevice):
    """A device that tells peaks as it was told: asked twice before each work, once after."""

    peaks: list[int] = field(default_factory=list)

    def free_bytes(self) -> int | None:
        return 100 * MIB

    def peak_bytes(self) -> int:
        return self.peaks.pop(0) * MIB


def memory_of(device: CpuDevice) -> Any:
    components = tiny_components()
    denoiser = Denoiser(components, Bank(components.unet, rank=4, slots=1, seats=2))
    decoder = Decoder(components, device)
    with torch.inference_mode():
        return measured(denoiser, decoder, device, components, 0.5, MEASURED)


def test_a_row_takes_what_a_second_sample_adds() -> None:
    # Making ready, one sample, two samples, decoding: before and after each.
    device = Counting([9, 5, 25, 9, 5, 15, 9, 5, 23, 9, 5, 12])
    memory = memory_of(device)
    assert not device.peaks
    pixels = 64 * 64
    assert memory.row_bytes_per_pixel == 8 * MIB / 2 / pixels
    assert memory.decoding_bytes_per_pixel == 7 * MIB / pixels
    assert memory.room_bytes == 50 * MIB
    assert memory.samples(MEASURED) == (50 - 7) // 8


def test_nothing_is_measured_where_memory_is_not_counted() -> None:
    assert memory_of(CpuDevice()) is None
