"""Private bytes by claim check.

Names are `piece/run/sha256`: a late twin with other bytes never overwrites, and a twin with the
same bytes finds its work done. Nothing here is reachable from outside.
"""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Protocol

import structlog
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import Header, RawStreamMsg
from nats.js.errors import APIError, NotFoundError

from shared.content import BlobRef
from shared.outcomes import TryLater

log = structlog.get_logger(__name__)

CHUNK_BYTES = 2**20

_SCHEME = "jetstream://"
_NAME = re.compile(r"[A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)*")
_TRANSFER_LIMIT_S = 20.0
_HASHED_AT_ONCE_BYTES = 2**17
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

    async def names(self) -> Collection[str]:
        """What is there, whole or not, as `name/sha256`."""
        ...

    async def forget(self, name: str) -> None:
        """Delete by a name as `names` gives it."""
        ...


def blob_stream(bucket: str) -> str:
    """Name of the stream that keeps a bucket's chunks."""
    return f"BLOB_{bucket}"


def blob_subjects(bucket: str) -> str:
    """The wildcard that covers every chunk of a bucket."""
    return f"blob.{bucket}.>"


class JetStreamBlobs:
    """A bucket is a stream, a blob its messages `blob.<bucket>.<name>.<sha256>.<chunk>`.

    The names follow from the bytes, so that a chunk is written once (as in
    `shared/factlog.py`), a put that was cut off is completed by the next, and one question reads,
    one order deletes a blob. An object store of NATS needs two or three of each, describes an
    object in a message of its own that a full bucket refuses, and lets chunks without one linger.

    Who may not purge leaves the chunks of a refused put to the bucket's limit of age.
    """

    def __init__(self, js: JetStreamContext, bucket: str, *, may_purge: bool = True) -> None:
        self._js = js
        self._bucket = bucket
        self._may_purge = may_purge
        self._stream = blob_stream(bucket)

    async def put(self, name: str, data: bytes, *, media_type: str) -> BlobRef:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} cannot be part of a subject")
        digest = await _sha256(data)
        ref = BlobRef(
            uri=f"{_SCHEME}{self._bucket}/{name}/{digest}",
            sha256=digest,
            size=len(data),
            media_type=media_type,
        )
        async with self._transfer("put"):
            await self._write(self._subject(ref), data)
        return ref

    async def get(self, ref: BlobRef) -> bytes:
        subject = self._subject(ref)
        async with self._transfer("get"):
            chunks = await asyncio.gather(
                *(self._chunk(f"{subject}.{number}") for number in range(_chunk_count(ref.size)))
            )
        data = b"".join(chunk.data or b"" for chunk in chunks)
        if await _sha256(data) != ref.sha256:
            raise BlobMissing(f"{ref.sha256}: other bytes")
        return data

    async def holds(self, ref: BlobRef) -> bool:
        try:
            await self.get(ref)
        except BlobMissing:
            return False
        return True

    async def delete(self, ref: BlobRef) -> None:
        subject = self._subject(ref)
        async with self._transfer("delete"):
            await self._purge(f"{subject}.>")

    async def names(self) -> Collection[str]:
        async with self._transfer("list"):
            info = await self._js.stream_info(
                self._stream, subjects_filter=blob_subjects(self._bucket)
            )
        prefix = blob_subjects(self._bucket).removesuffix(">")
        return {
            "/".join(subject.removeprefix(prefix).split(".")[:-1])
            for subject in info.state.subjects or ()
        }

    async def forget(self, name: str) -> None:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a blob")
        async with self._transfer("delete"):
            await self._purge(f"blob.{self._bucket}.{name.replace('/', '.')}.>")

    async def _write(self, subject: str, data: bytes) -> None:
        chunks = [
            (f"{subject}.{number}", data[number * CHUNK_BYTES : (number + 1) * CHUNK_BYTES])
            for number in range(_chunk_count(len(data)))
        ]
        outcomes = await asyncio.gather(
            *(self._write_once(*chunk) for chunk in chunks), return_exceptions=True
        )
        refused = next((one for one in outcomes if isinstance(one, BaseException)), None)
        if refused is None:
            return
        if self._may_purge and isinstance(refused, APIError):
            # Refused for certain, for example by a full bucket: halves would keep it full.
            for (place, _), outcome in zip(chunks, outcomes, strict=True):
                if outcome is True:
                    await self._purge(place)
        raise refused

    async def _write_once(self, subject: str, chunk: bytes) -> bool:
        """Whether it was us who wrote the chunk; a twin that did has written the same."""
        headers = {Header.EXPECTED_LAST_SUBJECT_SEQUENCE.value: "0"}
        try:
            await self._js.publish(subject, chunk, stream=self._stream, headers=headers)
        except APIError as exc:
            if exc.err_code != _WRONG_LAST_SEQUENCE:
                raise
            return False
        return True

    async def _chunk(self, subject: str) -> RawStreamMsg:
        try:
            return await self._js.get_last_msg(self._stream, subject, direct=True)
        except NotFoundError:
            log.debug("blob.chunk_elsewhere", subject=subject)
        # A follower answered, perhaps too early; the leader knows whether the chunk is there.
        try:
            return await self._js.get_last_msg(self._stream, subject)
        except NotFoundError as exc:
            if exc.err_code != _NO_MESSAGE:
                raise
            raise BlobMissing(subject) from exc

    async def _purge(self, subject: str) -> None:
        await self._js.purge_stream(self._stream, subject=subject)

    def _subject(self, ref: BlobRef) -> str:
        prefix = f"{_SCHEME}{self._bucket}/"
        name = ref.uri.removeprefix(prefix)
        if not ref.uri.startswith(prefix) or not _NAME.fullmatch(name):
            raise BlobMissing(f"not in bucket {self._bucket}")
        return f"blob.{self._bucket}.{name.replace('/', '.')}"

    @asynccontextmanager
    async def _transfer(self, action: str) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(_TRANSFER_LIMIT_S):
                yield
        except (NatsError, TimeoutError, OSError) as exc:
            raise TryLater(f"blob {action} in {self._bucket}: {type(exc).__name__}") from exc


def _chunk_count(size: int) -> int:
    return max(1, -(-size // CHUNK_BYTES))


async def _sha256(data: bytes) -> str:
    # The way to a thread and back takes as long as to hash this much.
    if len(data) <= _HASHED_AT_ONCE_BYTES:
        return hashlib.sha256(data).hexdigest()
    return (await asyncio.to_thread(hashlib.sha256, data)).hexdigest()
