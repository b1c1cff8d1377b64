"""An engine that needs no model: it does as it is told, and remembers what it was asked."""

import asyncio
from dataclasses import dataclass, field, replace

from services.generator.sdxl.wishes import (
    AppliedLora,
    EngineHealth,
    EngineState,
    OnStep,
    Picture,
    Wish,
)

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
SHA256 = "0123456789abcdef" * 4
READY = EngineHealth(
    state=EngineState.READY,
    detail="",
    model="tiny-sdxl",
    device="cpu",
    slots=4,
    slots_taken=1,
    running=0,
    waiting=0,
    room=32,
)


@dataclass
class CannedEngine:
    """Gives a picture, or raises `failure`; where `may_go_on` is cleared, it waits for that."""

    failure: Exception | None = None
    png: bytes = PNG
    asked: list[Wish] = field(default_factory=list)
    cancelled: int = 0
    state: EngineState = EngineState.READY
    detail: str = ""
    may_go_on: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.may_go_on.set()

    def pause(self) -> None:
        self.may_go_on.clear()

    async def generate(self, wish: Wish, *, on_step: OnStep | None = None) -> Picture:
        self.asked.append(wish)
        try:
            await self.may_go_on.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.failure is not None:
            raise self.failure
        return picture(wish, self.png)

    def health(self) -> EngineHealth:
        return replace(READY, state=self.state, detail=self.detail)


def picture(wish: Wish, png: bytes = PNG) -> Picture:
    """What was wished for, as far as it shows."""
    applied = None if wish.lora is None else AppliedLora(SHA256, 16, wish.lora.scale)
    return Picture(
        png=png,
        width=wish.width,
        height=wish.height,
        seed=7 if wish.seed is None else wish.seed,
        steps=wish.steps,
        cfg=wish.cfg,
        sampler=wish.sampler,
        base_model="tiny-sdxl",
        lora=applied,
        largest_batch=1,
        duration_s=0.25,
        device="cpu",
        dtype="float32",
        versions={"torch": "2"},
    )
