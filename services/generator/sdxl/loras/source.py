"""From a link to a file on the disk: asked for as little as can be, trusted no more than that."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from weakref import WeakValueDictionary

import structlog

from services.generator.sdxl.loras.fetching.download import Downloads, Fetched
from services.generator.sdxl.loras.fetching.links import Link
from services.generator.sdxl.loras.keeping.files import Files
from services.generator.sdxl.loras.keeping.incoming import Incoming, Opener, created, unwritten
from services.generator.sdxl.loras.keeping.known import Answer, Known
from services.generator.sdxl.loras.refusals import unreachable

log = structlog.get_logger(__name__)

_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Found:
    """The file that a link leads to; `fetched_bytes` is None where the store has not sent it."""

    sha256: str
    fetched_bytes: int | None


class Source:
    """Links to one file are followed one after another: the first fetches, the others only ask.

    Every link is asked for itself. So nobody gets weights that his own link does not open.
    """

    def __init__(
        self, downloads: Downloads, files: Files, known: Known, opener: Opener = created
    ) -> None:
        self._downloads = downloads
        self._files = files
        self._known = known
        self._opener = opener
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def find(self, link: Link) -> Found:
        """Have the file on the disk. Raises NoPicture (LORA_DOWNLOAD_FAILED)."""
        async with self._turns.setdefault(link.identity, asyncio.Lock()), self._room:
            incoming = Incoming(self._files.directory.incoming, self._opener)
            started = time.monotonic()
            try:
                found = await self._followed(link, incoming)
            finally:
                incoming.discard()
        log.info(
            "lora.found",
            host=link.host,
            sha256=found.sha256,
            fetched_bytes=found.fetched_bytes,
            duration_s=round(time.monotonic() - started, 3),
        )
        return found

    async def _followed(self, link: Link, incoming: Incoming) -> Found:
        outcome = await self._downloads.fetch(link, incoming, self._etag)
        if isinstance(outcome, Fetched):
            return await self._kept(outcome, incoming)
        answer = self._known.answer(outcome.identity)
        if answer is None:
            raise unreachable("The file was removed from the disk in the same moment.")
        return Found(answer.sha256, None)

    async def _kept(self, fetched: Fetched, incoming: Incoming) -> Found:
        sha256 = await incoming.complete()
        try:
            await asyncio.to_thread(self._files.take_in, incoming.path, sha256)
        except OSError as exc:
            raise unwritten(exc) from None
        # Without the note it is fetched again, no more than that.
        with suppress(OSError):
            self._known.forget(fetched.identity)
            if fetched.etag is not None:
                self._known.note(fetched.identity, Answer(fetched.etag, sha256))
        return Found(sha256, incoming.size)

    def _etag(self, identity: str) -> str | None:
        answer = self._known.answer(identity)
        return None if answer is None else answer.etag
