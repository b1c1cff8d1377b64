"""Hooks, with a vendor that answers at once, asked through its real SDK."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack

from benchmarks.alone.part import Part
from benchmarks.alone.pieces import generation, requested, unstaged
from benchmarks.alone.place import Place
from benchmarks.provider.vendors import instant_vendors
from services.hooks.settings import ModelVendor
from shared.calls import (
    OPEN_ATTEMPT,
    SCREEN_TEXTS,
    AttemptAnswer,
    OpenAttempt,
    Screened,
    ScreenTexts,
)
from shared.events import ContentHooked, ImageGenerated


class Hooks(Part):
    """Ten pieces a call; the ledger allows everything, the screen finds nothing."""

    service = "hooks"
    ends = ContentHooked
    pieces = 1000

    def __init__(self, name: str, vendor: ModelVendor) -> None:
        super().__init__(name)
        self._vendor = vendor

    async def open(self, place: Place, stack: AsyncExitStack) -> Mapping[str, str]:
        self._facts = place.facts
        self._vendors, origin = await stack.enter_async_context(instant_vendors())
        place.neighbours.answer(OPEN_ATTEMPT, _allow)
        place.neighbours.answer(SCREEN_TEXTS, _find_nothing)
        vendor = self._vendor.upper()
        path = "/v1" if self._vendor == "openai" else ""
        return {
            "HOOK_PROVIDERS": self._vendor,
            f"{vendor}_API_KEY": "none",
            f"{vendor}_BASE_URL": f"{origin}{path}",
        }

    async def feed(self, first: int, count: int) -> None:
        await asyncio.gather(*(self._write(number) for number in range(first, first + count)))

    async def _write(self, number: int) -> None:
        piece = requested(number)
        made = generation(f"a-{number}", number)
        image = unstaged(piece.piece_id)
        await self._facts.write(ImageGenerated.following(piece, image=image, generation=made))

    def notes(self) -> tuple[str, ...]:
        calls = self._vendors.calls
        return (f"{self.name}: {self._vendors.pictures / calls:.1f} pieces a call, {calls} calls",)


async def _allow(request: OpenAttempt) -> AttemptAnswer:
    return AttemptAnswer(answer="go", attempt_id=request.attempt_id, number=1)


async def _find_nothing(request: ScreenTexts) -> Screened:
    del request
    return Screened(policy_version="none")
