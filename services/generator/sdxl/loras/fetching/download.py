"""One file behind a link: asked for on condition, redirects checked, written as it comes."""

import asyncio
import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

import httpx2

from services.generator.sdxl.loras.fetching.links import Link, Reach, read_link
from services.generator.sdxl.loras.fetching.pinned import Pinned
from services.generator.sdxl.loras.refusals import shown, unreachable

_MOST_HOPS = 4
_REDIRECTS = {301, 302, 303, 307, 308}
_GONE = {
    401: "the link is not accepted",
    403: "the link is not accepted, or has expired",
    404: "nothing is there",
    410: "the file is gone",
}
# Only a strong one says that the bytes are the same (RFC 9110, section 8.8.3).
_STRONG = re.compile(r'"[\x21\x23-\x7e]{1,256}"')


class Sink(Protocol):
    """Takes the bytes as they come."""

    async def write(self, chunk: bytes) -> None:
        """Take some. Raises NoPicture where there is no room."""
        ...


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The file is the one that is known already, as it says itself."""

    identity: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """The sink has the file. `etag` is None where the store gives none that can be relied on."""

    identity: str
    etag: str | None


KnownTag = Callable[[str], str | None]
"""The ETag with which the file of this identity is known."""


@dataclass(frozen=True, slots=True)
class Downloads:
    """Fetches files from where weights may lie."""

    pinned: Pinned
    reach: Reach
    most_bytes: int = 512 * 2**20
    limit_s: float = 120.0

    async def fetch(self, link: Link, sink: Sink, known: KnownTag) -> Unchanged | Fetched:
        """Ask for a file. Raises NoPicture (LORA_DOWNLOAD_FAILED) without a word of the query."""
        try:
            async with asyncio.timeout(self.limit_s):
                return await self._followed(link, sink, known)
        except (TimeoutError, httpx2.TimeoutException):
            raise unreachable(f"{shown(link.host)} took too long.") from None
        except (httpx2.HTTPError, httpx2.StreamError) as exc:
            # Its text, its cause and its request could repeat the link.
            raise unreachable(f"The connection failed ({type(exc).__name__}).") from None

    async def _followed(self, link: Link, sink: Sink, known: KnownTag) -> Unchanged | Fetched:
        for _ in range(_MOST_HOPS):
            etag = known(link.identity)
            async with self._asked(link, etag) as response:
                if response.status_code not in _REDIRECTS:
                    return await self._taken(link, response, sink, etag)
                link = self._next(link, response)
        raise unreachable(f"More than {_MOST_HOPS - 1} redirects.")

    def _asked(self, link: Link, etag: str | None) -> AbstractAsyncContextManager[httpx2.Response]:
        # Unpacking could make a gigabyte of a kilobyte.
        headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
        if etag is not None:
            headers["If-None-Match"] = etag
        return self.pinned.get(link, headers, loopback=self.reach.loopback)

    def _next(self, link: Link, response: httpx2.Response) -> Link:
        try:
            target = link.url.join(response.headers.get("location", ""))
        except (httpx2.InvalidURL, ValueError):
            raise unreachable(f"{shown(link.host)} redirects to what is no URL.") from None
        following = read_link(target, self.reach)
        if link.url.scheme == "https" and following.url.scheme != "https":
            raise unreachable(f"{shown(link.host)} redirects from HTTPS to HTTP.")
        return following

    async def _taken(
        self, link: Link, response: httpx2.Response, sink: Sink, etag: str | None
    ) -> Unchanged | Fetched:
        if response.status_code == 304 and etag is not None:
            _check_same(response, etag)
            return Unchanged(link.identity)
        if response.status_code != 200:
            meaning = _GONE.get(response.status_code, "no file")
            raise unreachable(f"{shown(link.host)} answered {response.status_code}: {meaning}.")
        self._check_form(response)
        await self._copy(response, sink)
        tag = response.headers.get("etag", "")
        return Fetched(link.identity, tag if _STRONG.fullmatch(tag) else None)

    def _check_form(self, response: httpx2.Response) -> None:
        headers = response.headers
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise unreachable("The store sends the file packed, though it was asked not to.")
        told = headers.get("content-length")
        if told is None and "chunked" not in headers.get("transfer-encoding", "").lower():
            raise unreachable("The store does not say where the file ends.")
        if told is not None and int(told) > self.most_bytes:
            raise unreachable(f"The file is larger than {self.most_bytes} bytes.")

    async def _copy(self, response: httpx2.Response, sink: Sink) -> None:
        size = 0
        async for chunk in response.aiter_raw():
            size += len(chunk)
            if size > self.most_bytes:
                raise unreachable(f"The file is larger than {self.most_bytes} bytes.")
            await sink.write(chunk)


def _check_same(response: httpx2.Response, etag: str) -> None:
    if response.headers.get("etag", etag).removeprefix("W/") != etag:
        raise unreachable("The store says that a file is unchanged, and that it is another.")
