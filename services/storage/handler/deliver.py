"""Deliver copies of a judged image, or hold it for review."""

import asyncio
import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace

from services.storage.domain import (
    IN_REVIEW,
    MOST_IMAGE_BYTES,
    FileNames,
    held_key,
    is_public,
    object_token,
    provenance_of,
)
from services.storage.handler.placing import PlaceSigned
from services.storage.handler.vouching import check_verdict, not_allowed
from services.storage.ports import (
    Area,
    Copies,
    Credentials,
    DerivedFile,
    Encoded,
    Imaging,
    ObjectMissing,
    ObjectStore,
)
from shared.blobs import BlobMissing, BlobStore
from shared.content import Decision, Delivery, Tier
from shared.events import ContentModerated, ContentStored
from shared.outcomes import GiveUp
from shared.provenance import Provenance
from shared.signing import VerdictKeys


@dataclass(frozen=True, slots=True)
class StoreContent:
    """Derives files only from the bytes that a verdict names which `keys` vouch for."""

    staging: BlobStore
    objects: ObjectStore
    imaging: Imaging
    credentials: Credentials
    token_secret: bytes
    public_tiers: Collection[Tier]
    keys: VerdictKeys
    keep_originals: bool = False

    async def __call__(self, event: ContentModerated) -> ContentStored:
        image = await self._judged_bytes(event)
        area = self._area(event)
        token = object_token(self.token_secret, event.piece_id, event.run, event.image.sha256)
        names = FileNames(event.brief.avatar_id, event.piece_id, token)
        if area is Area.REVIEW:
            kept = await self._hold(names, image)
        else:
            kept = await self._deliver(area, names, image, provenance_of(event))
        return ContentStored.following(event, delivery=self._delivery(event, area, names, kept))

    async def _judged_bytes(self, event: ContentModerated) -> bytes:
        verdict = event.verdict
        check_verdict(self.keys, event, verdict, event.image.sha256)
        if not verdict.allows_delivery and verdict.decision is not Decision.REVIEW:
            raise not_allowed(verdict)
        if event.image.size > MOST_IMAGE_BYTES:
            raise GiveUp("invalid_image", f"more than {MOST_IMAGE_BYTES} bytes")
        if event.image.uri.startswith(IN_REVIEW):
            return await self._approved_bytes(event)
        try:
            return await self.staging.get(event.image)
        except BlobMissing as exc:
            raise GiveUp("image_lost", "the image is no longer in staging") from exc

    async def _approved_bytes(self, event: ContentModerated) -> bytes:
        """What was held for review, and people have approved."""
        key = held_key(event.image.uri, event.brief.avatar_id, event.piece_id)
        if key is None or event.verdict.decision is not Decision.APPROVED:
            raise GiveUp("not_allowed", "these are no approved bytes of this piece")
        try:
            data = await self.objects.read(Area.REVIEW, key)
        except ObjectMissing as exc:
            raise GiveUp("image_lost", "the image is no longer held for review") from exc
        if (await asyncio.to_thread(hashlib.sha256, data)).hexdigest() != event.image.sha256:
            raise GiveUp("image_lost", "other bytes are held for review")
        return data

    def _area(self, event: ContentModerated) -> Area:
        if event.verdict.decision is Decision.REVIEW:
            return Area.REVIEW
        uploaded = event.brief.upload_to_storage
        public = is_public(event.verdict.tier, self.public_tiers, uploaded=uploaded)
        return Area.PUBLIC if public else Area.PRIVATE

    async def _hold(self, names: FileNames, image: bytes) -> Encoded:
        """The judged bytes as they are: people decide about them, and about nothing else."""
        look = await self.imaging.look(image)
        held = Encoded(image, look.media_type, look.extension, look.width, look.height)
        thumbnail = look.thumbnail_jpeg
        # The thumbnail first: a piece whose image is there is complete.
        await self.objects.create_all(
            [
                DerivedFile(Area.REVIEW, names.thumbnail, thumbnail, "image/jpeg"),
                DerivedFile(Area.REVIEW, names.image(held.extension), image, held.media_type),
            ]
        )
        return held

    async def _deliver(
        self, area: Area, names: FileNames, image: bytes, provenance: Provenance
    ) -> Encoded:
        """Copies of the pixels, signed last."""
        copies = await self.imaging.derive(image, lambda plain: self._signed(plain, provenance))
        if self.keep_originals:
            key, media_type = names.original(copies.source_extension), copies.source_media_type
            await self.objects.create(Area.PRIVATE, key, image, media_type=media_type)
        place = PlaceSigned(self.objects, self.imaging, self.credentials)
        # The thumbnail first, as above.
        files = [
            _file(area, names.thumbnail, copies.thumbnail),
            _file(area, names.image(copies.image.extension), copies.image),
        ]
        _, kept = await place(files, provenance)
        return replace(copies.image, data=kept)

    def _signed(self, copies: Copies, provenance: Provenance) -> Copies:
        thumbnail, image = (
            replace(copy, data=self.credentials.sign(copy, provenance))
            for copy in (copies.thumbnail, copies.image)
        )
        return replace(copies, thumbnail=thumbnail, image=image)

    def _delivery(
        self, event: ContentModerated, area: Area, names: FileNames, kept: Encoded
    ) -> Delivery:
        key = names.image(kept.extension)
        return Delivery(
            held=area is Area.REVIEW,
            object_key=key,
            thumbnail_key=names.thumbnail,
            url=self.objects.link(area, key),
            public=area is Area.PUBLIC,
            uploaded=event.brief.upload_to_storage,
            image_sha256=hashlib.sha256(kept.data).hexdigest(),
            source_sha256=event.image.sha256,
            size=len(kept.data),
            media_type=kept.media_type,
            width=kept.width,
            height=kept.height,
        )


def _file(area: Area, key: str, copy: Encoded) -> DerivedFile:
    return DerivedFile(area, key, copy.data, copy.media_type)
