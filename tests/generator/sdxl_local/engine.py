"""A stand-in for the engine, and a storage that signs links."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.generator.sdxl.wishes import (
    AppliedLora,
    EngineHealth,
    EngineState,
    NoPicture,
    OnStep,
    Picture,
    QueueFull,
    Wish,
)
from shared.samplers import SamplerName

LINK = "http://127.0.0.1/objects/lora?signature=canary-of-a-link"
SHA256 = "ab" * 32


def picture(**overrides: object) -> Picture:
    fields: dict[str, object] = {
        "png": b"png",
        "width": 1024,
        "height": 1024,
        "seed": 7,
        "steps": 28,
        "cfg": 5.5,
        "sampler": SamplerName.EULER,
        "base_model": "tiny-sdxl",
        "lora": AppliedLora(SHA256, rank=64, scale=0.8, reduced_from=128),
        "largest_batch": 4,
        "duration_s": 1.5,
        "device": "cpu",
        "dtype": "torch.float32",
        "versions": {"torch": "2.13.0", "diffusers": "0.42.1"},
    }
    return Picture(**(fields | overrides))  # type: ignore[arg-type]


@dataclass
class ScriptedEngine:
    """Does what its script says, wish by wish; the last entry repeats."""

    script: Sequence[Picture | NoPicture | QueueFull] = field(default_factory=lambda: [picture()])
    wishes: list[Wish] = field(default_factory=list)
    taken_back: int = 0
    is_stuck: bool = False
    is_asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def generate(self, wish: Wish, *, on_step: OnStep | None = None) -> Picture:
        self.wishes.append(wish)
        self.is_asked.set()
        if self.is_stuck:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.taken_back += 1
                raise
        step = self.script[min(len(self.wishes), len(self.script)) - 1]
        if isinstance(step, Exception):
            raise step
        return step

    def health(self) -> EngineHealth:
        return EngineHealth(EngineState.READY, "", "tiny-sdxl", "cpu", 8, 0, 0, 0, 32)


@dataclass
class SignedLinks:
    """Signs every key, and remembers who wanted a fresh one."""

    fresh: list[bool] = field(default_factory=list)

    async def sign(self, key: str, *, fresh: bool = False) -> str:
        self.fresh.append(fresh)
        return LINK
