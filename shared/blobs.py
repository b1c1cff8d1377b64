"""Private bytes by claim check.

Names are `piece/run/sha256`: a late twin with other bytes never overwrites, and a twin with the
same bytes finds its work done. Nothing here is reachable from outside.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.errors import (
    BucketNotFoundError,
    NotFoundError,
    ObjectDeletedError,
    ObjectNotFoundError,
)
from nats.js.object_store import ObjectStore

from shared.content import BlobRef
from shared.outcomes import TryLater

_SCHEME = "jetstream://"
_TRANSFER_LIMIT_S = 20.0


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

    async def delete(self, ref: BlobRef) -> None:
        """Forget the bytes; forgetting twice is fine."""
        ...


class JetStreamBlobs:
    """A JetStream object store bucket (https://docs.nats.io/nats-concepts/jetstream/obj_store)."""

    def __init__(self, js: JetStreamContext, bucket: str) -> None:
        self._js = js
        self._bucket = bucket
        self._store: ObjectStore | None = None

    async def put(self, name: str, data: bytes, *, media_type: str) -> BlobRef:
        digest = hashlib.sha256(data).hexdigest()
        key = f"{name}/{digest}"
        ref = BlobRef(
            uri=f"{_SCHEME}{self._bucket}/{key}",
            sha256=digest,
            size=len(data),
            media_type=media_type,
        )
        async with _transfer("put"):
            store = await self._open()
            if not await _has(store, key, len(data)):
                # The client's put replaces and purges what it finds, under the eyes of readers.
                await store.put(key, data)
        return ref

    async def get(self, ref: BlobRef) -> bytes:
        async with _transfer("get"):
            store = await self._open()
            try:
                data = (await store.get(self._key(ref))).data or b""
            except (NotFoundError, ObjectNotFoundError, ObjectDeletedError) as exc:
                raise BlobMissing(ref.sha256) from exc
        if hashlib.sha256(data).hexdigest() != ref.sha256:
            raise BlobMissing(f"{ref.sha256}: other bytes")
        return data

    async def delete(self, ref: BlobRef) -> None:
        async with _transfer("delete"):
            store = await self._open()
            try:
                await store.delete(self._key(ref))
            except (NotFoundError, ObjectNotFoundError, ObjectDeletedError):
                return

    async def _open(self) -> ObjectStore:
        if self._store is None:
            try:
                self._store = await self._js.object_store(self._bucket)
            except BucketNotFoundError as exc:
                raise TryLater(
                    f"bucket {self._bucket} is missing; run `atelier provision`"
                ) from exc
        return self._store

    def _key(self, ref: BlobRef) -> str:
        prefix = f"{_SCHEME}{self._bucket}/"
        if not ref.uri.startswith(prefix):
            raise BlobMissing(f"not in bucket {self._bucket}")
        return ref.uri.removeprefix(prefix)


@asynccontextmanager
async def _transfer(action: str) -> AsyncIterator[None]:
    try:
        # Without a limit the client waits for ever for chunks that were purged meanwhile.
        async with asyncio.timeout(_TRANSFER_LIMIT_S):
            yield
    except (NatsError, TimeoutError, OSError) as exc:
        raise TryLater(f"blob {action}: {type(exc).__name__}") from exc


async def _has(store: ObjectStore, key: str, size: int) -> bool:
    try:
        info = await store.get_info(key)
    except (NotFoundError, ObjectNotFoundError, ObjectDeletedError):
        return False
    return info.size == size
