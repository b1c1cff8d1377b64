"""The generator, with a worker behind HTTP that gives a picture of the real size at once."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack

from benchmarks.alone.part import Part
from benchmarks.alone.pieces import requested
from benchmarks.alone.place import Place
from benchmarks.provider.image import REAL_PX
from benchmarks.provider.running import running_worker
from shared.calls import OPEN_ATTEMPT, SIGN_LINKS, AttemptAnswer, OpenAttempt, SignedLinks
from shared.calls.parts import SignLinks
from shared.events import ImageGenerated


class Generator(Part):
    """The ledger allows everything; the picture is looked at, staged and settled."""

    service = "generator"
    ends = ImageGenerated

    async def open(self, place: Place, stack: AsyncExitStack) -> Mapping[str, str]:
        self._place = place
        worker = await stack.enter_async_context(running_worker(image_px=REAL_PX))
        place.neighbours.answer(OPEN_ATTEMPT, _allow)
        place.neighbours.answer(SIGN_LINKS, _sign)
        return {
            "AI_IMAGE_PROVIDER": "modal_sdxl_lora",
            "MODAL_ENDPOINT_URL": worker.url,
            "MODAL_CONCURRENCY": "5",
            "GENERATOR_CONCURRENCY": "5",
        }

    async def feed(self, first: int, count: int) -> None:
        pieces = (requested(number) for number in range(first, first + count))
        await asyncio.gather(*(self._place.facts.write(piece) for piece in pieces))

    async def ended(self, fact: bytes) -> None:
        await self._place.staging.delete(ImageGenerated.model_validate_json(fact).image)


async def _allow(request: OpenAttempt) -> AttemptAnswer:
    return AttemptAnswer(answer="go", attempt_id=request.attempt_id, number=1)


async def _sign(request: SignLinks) -> SignedLinks:
    return SignedLinks(urls=tuple(f"https://example.invalid/{key}" for key in request.keys))
