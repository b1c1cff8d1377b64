"""What the engine is asked for, what it gives, and how it says no. Plain values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from shared.content import Lane
from shared.samplers import SamplerName


@dataclass(frozen=True, slots=True)
class LoraWish:
    """An avatar's weights: where they lie, and how strongly they are applied (0..1).

    `url` may be signed, and is then a secret: never logged, never part of an error.
    """

    url: str = field(repr=False)
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Wish:
    """One image. `limit_s` is counted from the moment the wish is handed in."""

    prompt: str
    negative_prompt: str = ""
    width: int = 1024
    height: int = 1024
    steps: int = 28
    cfg: float = 5.5
    seed: int | None = None
    sampler: SamplerName = SamplerName.EULER
    lora: LoraWish | None = None
    limit_s: float = 60.0
    lane: Lane = Lane.INTERACTIVE


@dataclass(frozen=True, slots=True)
class AppliedLora:
    """Weights that took part. `reduced_from` is the file's rank, where it was above the cap."""

    sha256: str
    rank: int
    scale: float
    reduced_from: int | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """An image and all that is needed to make it again.

    `png`: 8-bit RGB. `largest_batch`: how many samples at most took a step together with it, which
    is what its bits may depend on. `versions`: library → version.
    """

    png: bytes = field(repr=False)
    width: int
    height: int
    seed: int
    steps: int
    cfg: float
    sampler: SamplerName
    base_model: str
    lora: AppliedLora | None
    largest_batch: int
    duration_s: float
    device: str
    dtype: str
    versions: Mapping[str, str]


class FailureCode(StrEnum):
    """Why there is no image, as the worker's contract names it."""

    INVALID_PROMPT = "INVALID_PROMPT"
    LORA_DOWNLOAD_FAILED = "LORA_DOWNLOAD_FAILED"
    LORA_LOAD_FAILED = "LORA_LOAD_FAILED"
    MODEL_LOAD_FAILED = "MODEL_LOAD_FAILED"
    GENERATION_FAILED = "GENERATION_FAILED"
    TIMEOUT = "TIMEOUT"
    CUDA_OOM = "CUDA_OOM"


class NoPicture(Exception):
    """There is no image, and why; `detail` holds no secret and may be shown to the caller."""

    def __init__(
        self, code: FailureCode, detail: str, *, retry_after_s: float | None = None
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.retry_after_s = retry_after_s


class QueueFull(Exception):
    """No room to wait in: ask again after `retry_after_s` seconds."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"the queue is full; again in {retry_after_s:.0f} s")
        self.retry_after_s = retry_after_s


class EngineState(StrEnum):
    """Whether the engine makes images."""

    LOADING = "loading"
    READY = "ready"
    DEGRADED = "degraded"
    """It works, but not as it should; `detail` says what is wrong."""


@dataclass(frozen=True, slots=True)
class EngineHealth:
    """What the engine is and does at this moment."""

    state: EngineState
    detail: str
    model: str
    device: str
    slots: int
    slots_taken: int
    running: int
    waiting: int
    room: int


OnStep = Callable[[int, int], None]
"""Told of steps done and steps in all, on the event loop."""


class ImageEngine(Protocol):
    """Whoever turns wishes into pictures."""

    async def generate(self, wish: Wish, *, on_step: OnStep | None = None) -> Picture:
        """One image. Raises NoPicture and QueueFull; cancelling takes effect at the next step."""
        ...

    def health(self) -> EngineHealth:
        """Known at once, whatever the device is doing."""
        ...
