"""Safety, with a moderation vendor that answers at once, asked through its real SDK."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack

from benchmarks.alone.part import SEED, Part
from benchmarks.alone.pieces import CAPTIONS, generation, requested, staged
from benchmarks.alone.place import Place
from benchmarks.provider.image import REAL_PX, png
from benchmarks.provider.vendors import instant_vendors
from shared.calls import MATCH_IMAGE, ImageMatch, MatchImage
from shared.events import ContentHooked, ContentModerated


class Safety(Part):
    """Words read, picture shown to the vendor, print taken, takedowns asked about, signed."""

    service = "safety"
    ends = ContentModerated

    async def open(self, place: Place, stack: AsyncExitStack) -> Mapping[str, str]:
        self._place = place
        self._image = png(REAL_PX)
        _, origin = await stack.enter_async_context(instant_vendors())
        place.neighbours.answer(MATCH_IMAGE, _nothing_taken_down)
        return {
            "SAFETY_JUDGES": "openai",
            "SAFETY_SIGNING_KEY": SEED,
            "OPENAI_API_KEY": "none",
            "OPENAI_BASE_URL": f"{origin}/v1",
        }

    async def feed(self, first: int, count: int) -> None:
        await asyncio.gather(*(self._write(number) for number in range(first, first + count)))

    async def _write(self, number: int) -> None:
        piece = requested(number)
        image = await staged(self._place, piece.piece_id, self._image)
        made = generation(f"a-{number}", number)
        event = ContentHooked.following(piece, image=image, generation=made, captions=CAPTIONS)
        await self._place.facts.write(event)

    async def ended(self, fact: bytes) -> None:
        await self._place.staging.delete(ContentModerated.model_validate_json(fact).image)


async def _nothing_taken_down(request: MatchImage) -> ImageMatch:
    del request
    return ImageMatch(nothing_taken_down=True)
