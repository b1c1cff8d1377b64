"""Deliver a judged image, or hold it for review."""

import asyncio
import hashlib
from collections.abc import Collection
from dataclasses import dataclass

from services.storage.domain import (
    IN_REVIEW,
    held_key,
    is_public,
    object_key,
    object_token,
    thumbnail_key,
)
from services.storage.ports import Area, Imaging, ObjectMissing, ObjectStore, Picture
from shared.blobs import BlobMissing, BlobStore
from shared.content import Decision, Delivery, Tier
from shared.events import ContentModerated, ContentStored
from shared.outcomes import GiveUp
from shared.signing import VerdictKeys


@dataclass(frozen=True, slots=True)
class StoreContent:
    """Derives files only from the bytes that a verdict names which `keys` vouch for."""

    staging: BlobStore
    objects: ObjectStore
    imaging: Imaging
    token_secret: bytes
    public_tiers: Collection[Tier]
    keys: VerdictKeys

    async def __call__(self, event: ContentModerated) -> ContentStored:
        image = await self._judged_bytes(event)
        picture = await self.imaging.look(image)
        area = self._area(event)
        token = object_token(self.token_secret, event.piece_id, event.run, event.image.sha256)
        avatar, piece = event.brief.avatar_id, event.piece_id
        key = object_key(avatar, piece, token, picture.extension)
        thumbnail = thumbnail_key(avatar, piece, token)
        # The thumbnail first: a piece whose image is there is complete.
        await self.objects.create(area, thumbnail, picture.thumbnail_jpeg, media_type="image/jpeg")
        await self.objects.create(area, key, image, media_type=picture.media_type)
        delivery = self._delivery(event, area, key, thumbnail, image, picture)
        return ContentStored.following(event, delivery=delivery)

    async def _judged_bytes(self, event: ContentModerated) -> bytes:
        verdict = event.verdict
        if not self.keys.vouch_for(event, verdict):
            raise GiveUp("verdict_unsigned", "nobody whose verdicts count has signed it")
        if verdict.image_sha256 != event.image.sha256:
            raise GiveUp("verdict_mismatch", "the verdict is about other bytes")
        if not verdict.allows_delivery and verdict.decision is not Decision.REVIEW:
            raise GiveUp("not_allowed", f"the verdict is {verdict.decision}")
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

    def _delivery(
        self,
        event: ContentModerated,
        area: Area,
        key: str,
        thumbnail: str,
        image: bytes,
        picture: Picture,
    ) -> Delivery:
        return Delivery(
            held=area is Area.REVIEW,
            object_key=key,
            thumbnail_key=thumbnail,
            url=self.objects.link(area, key),
            public=area is Area.PUBLIC,
            uploaded=event.brief.upload_to_storage,
            image_sha256=hashlib.sha256(image).hexdigest(),
            source_sha256=event.image.sha256,
            size=len(image),
            media_type=picture.media_type,
            width=picture.width,
            height=picture.height,
        )
