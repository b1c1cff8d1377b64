"""Storage, with real pictures: decoded, copied, made small, signed, kept and cleared away."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from benchmarks.alone.part import SEED, Part
from benchmarks.alone.pieces import CAPTIONS, generation, requested, staged, verdict
from benchmarks.alone.place import Place
from benchmarks.provider.image import REAL_PX, png
from services.storage.domain import DeliveryFormat
from shared.events import ContentModerated, ContentPersisted, ContentStored
from shared.signing import VerdictSigner


class Storage(Part):
    """Pieces of capa1 in a local directory; what was delivered is deleted once it was heard of."""

    service = "storage"
    ends = ContentStored

    def __init__(self, name: str, delivered: DeliveryFormat) -> None:
        super().__init__(name)
        self._delivered = delivered
        self._signer = VerdictSigner(bytes.fromhex(SEED))
        self._image = png(REAL_PX)

    async def open(self, place: Place, stack: AsyncExitStack) -> Mapping[str, str]:
        del stack
        self._place = place
        self._objects = place.directory / "objects"
        return {
            "OBJECTS_DIR": str(self._objects),
            "LINK_SIGNING_KEY": SEED,
            "VERDICT_PUBLIC_KEYS": self._signer.public_key,
            "DELIVERY_FORMAT": self._delivered.value,
        }

    async def feed(self, first: int, count: int) -> None:
        await asyncio.gather(*(self._write(number) for number in range(first, first + count)))

    async def _write(self, number: int) -> None:
        piece = requested(number)
        image = await staged(self._place, piece.piece_id, self._image)
        event = ContentModerated.following(
            piece,
            image=image,
            generation=generation(f"a-{number}", number),
            captions=CAPTIONS,
            verdict=self._signer.sign(piece, verdict(image, piece.piece_id)),
        )
        await self._place.facts.write(event)

    async def ended(self, fact: bytes) -> None:
        stored = ContentStored.model_validate_json(fact)
        delivery = stored.delivery
        persisted = ContentPersisted(
            tenant=stored.tenant,
            task_id=stored.task_id,
            deadline_at=stored.deadline_at,
            piece_id=stored.piece_id,
            run=stored.run,
            avatar_id=stored.brief.avatar_id,
            staged=(stored.image,),
            image_sha256=delivery.image_sha256,
            object_key=delivery.object_key,
        )
        await self._place.facts.write(persisted)
        for key in (delivery.object_key, delivery.thumbnail_key):
            await asyncio.to_thread(_delete, self._objects / "public" / key)


def _delete(path: Path) -> None:
    path.unlink()
