"""Private bytes by claim check.

Names are `piece/run/sha256`: a late twin with other bytes never overwrites, and a twin with the
same bytes finds its work done. Nothing here is reachable from outside.
"""

import asyncio
import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol
from uuid import uuid4

import structlog
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import Header, ObjectInfo, ObjectMetaOptions, RawStreamMsg
from nats.js.errors import APIError, NotFoundError

from shared.content import BlobRef
from shared.outcomes import TryLater

log = structlog.get_logger(__name__)

_SCHEME = "jetstream://"
_TRANSFER_LIMIT_S = 20.0
_CHUNK_BYTES = 2**20
_NO_MESSAGE = 10037
_WRONG_LAST_SEQUENCE = 10071


class BlobMissing(Exception):
    """The bytes are gone, or are not the bytes that the claim check names."""


class BlobStore(Protocol):
    """Where private bytes wait."""

    async def put(self, name: str, data: bytes, *, media_type: str) -> BlobRef:
        """Keep `data` under `name/sha256`; putting the same bytes twice is one blob."""
        ...

    async def get(self, ref: BlobRef) -> bytes:
        """The bytes, checked against their hash. Raises BlobMissing."""
        ...

    async def holds(self, ref: BlobRef) -> bool:
        """Whether the bytes are there."""
        ...

    async def delete(self, ref: BlobRef) -> None:
        """Forget the bytes; forgetting twice is fine."""
        ...


class JetStreamBlobs:
    """A JetStream object store bucket, in the format of every NATS client (ADR-20).

    Written by hand where the Python client would hurt: its `put` replaces an object under the eyes
    of readers, and its `get` waits for ever for chunks that were purged meanwhile. Nothing is
    rolled up: a bucket that allows that can be emptied by whoever may put into it.

    Who may not purge leaves the chunks of a refused put to the bucket's limit of age.
    """

    def __init__(self, js: JetStreamContext, bucket: str, *, may_purge: bool = True) -> None:
        self._js = js
        self._bucket = bucket
        self._may_purge = may_purge
        self._stream = f"OBJ_{bucket}"

    async def put(self, name: str, data: bytes, *, media_type: str) -> BlobRef:
        digest = await asyncio.to_thread(_sha256, data)
        key = f"{name}/{digest.hex()}"
        async with self._transfer("put"):
            last = await self._last_info(key)
            if last is None or last[1].deleted:
                await self._write(key, data, digest, replaces=0 if last is None else last[0])
        return BlobRef(
            uri=f"{_SCHEME}{self._bucket}/{key}",
            sha256=digest.hex(),
            size=len(data),
            media_type=media_type,
        )

    async def get(self, ref: BlobRef) -> bytes:
        async with self._transfer("get"):
            last = await self._last_info(self._key(ref))
            if last is None or last[1].deleted:
                raise BlobMissing(ref.sha256)
            data = b"".join([chunk async for chunk in self._chunks(last[1])])
        if (await asyncio.to_thread(_sha256, data)).hex() != ref.sha256:
            raise BlobMissing(f"{ref.sha256}: other bytes")
        return data

    async def holds(self, ref: BlobRef) -> bool:
        try:
            key = self._key(ref)
        except BlobMissing:
            return False
        async with self._transfer("lookup"):
            last = await self._last_info(key)
        return last is not None and not last[1].deleted

    async def delete(self, ref: BlobRef) -> None:
        # The bytes go first: whoever deletes again after a crash finds by the description what
        # is left to do. Purged and not marked as gone, because a full bucket takes no marks.
        async with self._transfer("delete"):
            key = self._key(ref)
            last = await self._last_info(key)
            if last is None:
                return
            sequence, info = last
            await self._purge(self._chunk_subject(info.nuid))
            await self._purge(self._info_subject(key), up_to=sequence)

    async def _write(self, key: str, data: bytes, digest: bytes, *, replaces: int) -> None:
        info = ObjectInfo(
            name=key,
            bucket=self._bucket,
            nuid=uuid4().hex,
            size=len(data),
            chunks=-(-len(data) // _CHUNK_BYTES),
            digest=f"SHA-256={urlsafe_b64encode(digest).decode()}",
            options=ObjectMetaOptions(max_chunk_size=_CHUNK_BYTES),
        )
        try:
            for start in range(0, len(data), _CHUNK_BYTES):
                chunk = data[start : start + _CHUNK_BYTES]
                await self._js.publish(self._chunk_subject(info.nuid), chunk, stream=self._stream)
            await self._publish_info(info, replaces=replaces)
        except APIError as exc:
            # Refused for certain: a twin was first, or the bucket is full.
            if self._may_purge:
                await self._purge(self._chunk_subject(info.nuid))
            if exc.err_code != _WRONG_LAST_SEQUENCE:
                raise

    async def _publish_info(self, info: ObjectInfo, *, replaces: int) -> None:
        headers = {Header.EXPECTED_LAST_SUBJECT_SEQUENCE.value: str(replaces)}
        body = json.dumps(info.as_dict()).encode()
        subject = self._info_subject(info.name)
        await self._js.publish(subject, body, stream=self._stream, headers=headers)

    async def _last_info(self, key: str) -> tuple[int, ObjectInfo] | None:
        """The description of an object with its stream sequence; other clients leave tombstones."""
        try:
            # Not a direct get: a follower may not know yet what was written a moment ago.
            message = await self._js.get_last_msg(self._stream, self._info_subject(key))
        except NotFoundError as exc:
            if exc.err_code == _NO_MESSAGE:
                return None
            raise
        return message.seq or 0, ObjectInfo.from_response(json.loads(message.data or b"{}"))

    async def _chunks(self, info: ObjectInfo) -> AsyncIterator[bytes]:
        sequence = 0
        for _ in range(info.chunks or 0):
            chunk = await self._chunk(info.nuid, after=sequence)
            sequence = chunk.seq or 0
            yield chunk.data or b""

    async def _chunk(self, nuid: str, *, after: int) -> RawStreamMsg:
        subject, first = self._chunk_subject(nuid), after + 1
        try:
            return await self._js.get_msg(self._stream, first, subject, direct=True, next=True)
        except NotFoundError:
            log.debug("blob.chunk_elsewhere", bucket=self._bucket, nuid=nuid)
        # A follower answered, perhaps too early; the leader knows whether the chunk was purged.
        try:
            return await self._js.get_msg(self._stream, first, subject, next=True)
        except NotFoundError as exc:
            raise BlobMissing(nuid) from exc

    async def _purge(self, subject: str, *, up_to: int | None = None) -> None:
        """Remove what lies under a subject; what came after sequence `up_to` stays."""
        before = None if up_to is None else up_to + 1
        await self._js.purge_stream(self._stream, seq=before, subject=subject)

    def _chunk_subject(self, nuid: str) -> str:
        return f"$O.{self._bucket}.C.{nuid}"

    def _info_subject(self, key: str) -> str:
        return f"$O.{self._bucket}.M.{urlsafe_b64encode(key.encode()).decode()}"

    def _key(self, ref: BlobRef) -> str:
        prefix = f"{_SCHEME}{self._bucket}/"
        if not ref.uri.startswith(prefix):
            raise BlobMissing(f"not in bucket {self._bucket}")
        return ref.uri.removeprefix(prefix)

    @asynccontextmanager
    async def _transfer(self, action: str) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(_TRANSFER_LIMIT_S):
                yield
        except (NatsError, TimeoutError, OSError) as exc:
            raise TryLater(f"blob {action} in {self._bucket}: {type(exc).__name__}") from exc


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
