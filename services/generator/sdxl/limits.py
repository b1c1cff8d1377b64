"""What the engine may take: seats, slots, places to wait, memory."""

from dataclasses import dataclass

RANKS = (4, 8, 16, 32, 64, 128)


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """Plain numbers, all of them settings of whoever runs the engine.

    `slots` LoRAs stay on the device, padded to `rank`. At most `batch` samples take a step
    together, fewer where memory has no room: the engine takes `memory_share` of what is free once
    the model is there. `waiting` places in the queue; `ahead` of them are made ready before a seat
    is free. `prompts` encodings are remembered. `closing_s` is what running ones may take to end
    when the engine closes. With `compiled`, the UNet is compiled for every (width, height) there,
    batches are padded to 1, 2, 4, 8 ..., and starting takes minutes.
    """

    slots: int = 12
    rank: int = 64
    batch: int = 8
    waiting: int = 64
    ahead: int = 2
    prompts: int = 64
    memory_share: float = 0.9
    closing_s: float = 30.0
    compiled: tuple[tuple[int, int], ...] = ()
    compile_backend: str = "inductor"

    def __post_init__(self) -> None:
        if self.rank not in RANKS:
            raise ValueError(f"rank has to be one of {RANKS}")
        if min(self.slots, self.batch, self.waiting) < 1:
            raise ValueError("slots, batch and waiting have to be 1 at least")
