"""How large everything is: SDXL itself on a GPU, or a toy of the same parts on any machine."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """`rounds` of requests are measured in each cell, `arrivals` images at each load.

    `flop` is what an image takes at the least, guidance included; None where nobody counts.
    """

    name: str
    px: int
    steps: int
    rank: int
    avatars: int
    slots: int
    rounds: int
    arrivals: int
    flop: float | None = None
    cfg: float = 5.5


# To end in two minutes on two cores.
TINY = Scale("tiny", px=128, steps=6, rank=16, avatars=6, slots=4, rounds=2, arrivals=24)

# 2 x 28 passes of the UNet at 1024 x 1024, 6.8 TFLOP each, and the decoder.
FULL = Scale(
    *("full", 1024, 28, 32),
    avatars=12,
    slots=8,
    rounds=4,
    arrivals=60,
    flop=389e12,
)

PEAKS = {
    # Dense tensor FLOP/s in 16 bits, as NVIDIA's data sheets have them.
    "B200": 2250e12,
    "H200": 989e12,
    "H100 PCIe": 756e12,
    "H100 NVL": 835e12,
    "H100": 989e12,
    "A100": 312e12,
    "L40S": 362e12,
    "L4": 121e12,
    "A10": 125e12,
    "RTX 6000 Ada": 364e12,
    "RTX 4090": 165e12,
    "T4": 65e12,
}


def peak_of(device: str) -> float | None:
    """FLOP/s at most of a device with this name, where we know it; the longest name that fits."""
    words = set(re.split(r"[\s-]+", device))
    fitting = [name for name in PEAKS if set(name.split()) <= words]
    return PEAKS[max(fitting, key=len)] if fitting else None
