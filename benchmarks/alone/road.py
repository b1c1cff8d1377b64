"""The way of a piece through all services but the ledger, without any of their work."""

import asyncio
from types import TracebackType
from typing import Self
from uuid import UUID, uuid5

from benchmarks.alone.pieces import CAPTIONS, generation, unstaged, verdict
from benchmarks.alone.place import Place
from shared.calls import OPEN_ATTEMPT, OpenAttempt
from shared.content import Delivery, Generation
from shared.events import (
    AttemptSettled,
    ContentHooked,
    ContentModerated,
    ContentRequested,
    ContentStored,
    ImageGenerated,
)
from shared.signing import VerdictSigner

_HOLDER = "benchmark/1/1"


class Road:
    """Asks for leave, settles, and writes every fact up to `content.stored`."""

    def __init__(self, place: Place, signer: VerdictSigner) -> None:
        self._place = place
        self._signer = signer
        self._going = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._going.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._going.__aexit__(kind, exc, trace)

    def begin(self, piece: ContentRequested) -> None:
        """Send a piece on its way."""
        self._going.create_task(self._go(piece))

    async def _go(self, piece: ContentRequested) -> None:
        attempt_id = str(uuid5(UUID(piece.piece_id), "attempt"))
        await self._place.neighbours.call(OPEN_ATTEMPT, _asked(piece, attempt_id))
        made = generation(attempt_id, piece.brief.seed)
        write = self._place.facts.write
        await write(_settled(piece, attempt_id, made))
        image = unstaged(piece.piece_id)
        generated = ImageGenerated.following(piece, image=image, generation=made)
        await write(generated)
        hooked = ContentHooked.following(generated, captions=CAPTIONS)
        await write(hooked)
        signed = self._signer.sign(piece, verdict(image, piece.piece_id))
        moderated = ContentModerated.following(hooked, verdict=signed)
        await write(moderated)
        await write(ContentStored.following(moderated, delivery=_delivery(moderated)))


def _asked(piece: ContentRequested, attempt_id: str) -> OpenAttempt:
    return OpenAttempt(
        tenant=piece.tenant,
        attempt_id=attempt_id,
        task_id=piece.task_id,
        piece_id=piece.piece_id,
        run=piece.run,
        provider="modal_sdxl_lora",
        holder=_HOLDER,
        lease_s=300,
    )


def _settled(piece: ContentRequested, attempt_id: str, made: Generation) -> AttemptSettled:
    return AttemptSettled(
        tenant=piece.tenant,
        task_id=piece.task_id,
        deadline_at=piece.deadline_at,
        piece_id=piece.piece_id,
        run=piece.run,
        attempt_id=attempt_id,
        provider=made.provider,
        outcome="succeeded",
        duration_ms=4000,
        cost_usd_micros=made.cost_usd_micros,
        image=unstaged(piece.piece_id),
        generation=made,
    )


def _delivery(piece: ContentModerated) -> Delivery:
    key = f"content/{piece.brief.avatar_id}/{piece.piece_id}_token"
    return Delivery(
        object_key=f"{key}.jpg",
        thumbnail_key=f"{key}_thumb.jpg",
        image_sha256=piece.image.sha256,
        source_sha256=piece.image.sha256,
        size=400_000,
        media_type="image/jpeg",
        width=1024,
        height=1024,
        url=f"http://127.0.0.1:8080/objects/{key}.jpg",
        public=True,
    )
