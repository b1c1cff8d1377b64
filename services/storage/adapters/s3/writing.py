"""Objects that are written once, and looked at afterwards."""

import asyncio
import base64
import hashlib
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from services.storage.adapters.s3.calls import Calls
from services.storage.adapters.s3.failures import Exists
from services.storage.adapters.s3.layout import Place
from services.storage.ports import ObjectMissing
from shared.outcomes import GiveUp, TryLater

log = structlog.get_logger(__name__)

_MD5 = re.compile(r'"?([0-9a-f]{32})"?')
_DIGEST = "sha256"


@dataclass(frozen=True, slots=True)
class Content:
    """What an object shall be, with its digest."""

    data: bytes
    sha256: bytes
    media_type: str
    cache_control: str

    @classmethod
    async def of(cls, data: bytes, *, media_type: str, cache_control: str) -> "Content":
        """With the digest, made away from the event loop."""
        digest = (await asyncio.to_thread(hashlib.sha256, data)).digest()
        return cls(data, digest, media_type, cache_control)


class CreateOnly:
    """Writes where nothing is, and nothing at all before `is_open`.

    `knows_conditions` tells that the store refuses a conditional put where something is. In one
    that does not we look before we write: between look and write a twin may write as well, but
    whoever has our key has derived from the same bytes.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self.is_open = False
        self.knows_conditions = False

    async def create(self, place: Place, content: Content) -> None:
        """Raises TryLater, GiveUp(object_exists)."""
        if not self.is_open:
            raise TryLater("object store: not looked at yet")
        if self.knows_conditions or await self._head(place) is None:
            await self._put(place, content)
        await self._check(place, content)

    async def read(self, place: Place) -> bytes:
        """The whole object. Raises ObjectMissing, TryLater."""
        async with self._calls.call() as s3:
            found = await s3.get_object(Bucket=place.bucket, Key=place.key)
            data: bytes = await found["Body"].read()
            return data

    async def delete(self, place: Place) -> None:
        """Remove the object; a missing one is fine. Raises TryLater."""
        async with self._calls.call() as s3:
            await s3.delete_object(Bucket=place.bucket, Key=place.key)

    async def _put(self, place: Place, content: Content) -> None:
        condition = {"IfNoneMatch": "*"} if self.knows_conditions else {}
        try:
            async with self._calls.call() as s3:
                await s3.put_object(
                    Bucket=place.bucket,
                    Key=place.key,
                    Body=io.BytesIO(content.data),
                    ContentType=content.media_type,
                    CacheControl=content.cache_control,
                    ChecksumSHA256=base64.b64encode(content.sha256).decode(),
                    Metadata={_DIGEST: content.sha256.hex()},
                    **condition,
                )
        except Exists:
            log.debug("object.exists")

    async def _check(self, place: Place, content: Content) -> None:
        """What lies there is what we have, whoever wrote it."""
        head = await self._head(place)
        if head is None:
            raise TryLater("object store: the object has gone again")
        if await self._is_whole(place, head, content):
            return
        if head.get("Metadata", {}).get(_DIGEST) != content.sha256.hex():
            raise GiveUp("object_exists", "another object has this key")
        # Meant to be ours, and damaged on its way or cut off.
        await self.delete(place)
        raise TryLater("object store: it kept other bytes than it was sent")

    async def _is_whole(self, place: Place, head: Mapping[str, Any], content: Content) -> bool:
        if head.get("ContentLength") != len(content.data):
            return False
        if checksum := head.get("ChecksumSHA256"):
            return bool(checksum == base64.b64encode(content.sha256).decode())
        tag = _MD5.fullmatch(head.get("ETag", ""))
        if tag and tag[1] == (await asyncio.to_thread(_md5, content.data)):
            return True
        # No digest that we could compare, for example of an encrypted object.
        kept = await self.read(place)
        return (await asyncio.to_thread(hashlib.sha256, kept)).digest() == content.sha256

    async def _head(self, place: Place) -> Mapping[str, Any] | None:
        try:
            async with self._calls.call() as s3:
                found: Mapping[str, Any] = await s3.head_object(
                    Bucket=place.bucket, Key=place.key, ChecksumMode="ENABLED"
                )
                return found
        except ObjectMissing:
            return None


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
