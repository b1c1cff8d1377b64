"""Whether anybody can read what not everybody may: we ask as anybody would."""

import asyncio
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

import aiohttp
import structlog
from yarl import URL

from services.storage.adapters.s3.layout import Place

log = structlog.get_logger(__name__)

_LIMIT = aiohttp.ClientTimeout(total=5)
_READ_BYTES = 4096


async def opened_by(addresses: Iterable[str], mark: bytes) -> tuple[list[str], bool]:
    """Addresses that show `mark` to a stranger; and whether all of them gave an answer."""
    asked = list(dict.fromkeys(addresses))
    async with aiohttp.ClientSession(timeout=_LIMIT, cookie_jar=aiohttp.DummyCookieJar()) as web:
        shown = await asyncio.gather(*(_shown(web, address) for address in asked))
    found = [where for where, body in zip(asked, shown, strict=True) if mark in (body or b"")]
    return found, None not in shown


def addresses(place: Place, *, endpoint: str, public_url: str | None) -> Iterator[str]:
    """How a stranger could spell an object, knowing its key, its bucket and the public address."""
    yield f"{endpoint}/{place.bucket}/{place.key}"
    if public_url is None:
        return
    base = public_url.rstrip("/")
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(base))
    for start in (base, f"{base}/..", f"{base}/%2e%2e", origin, f"{origin}/{place.bucket}"):
        yield f"{start}/{place.key}"


async def _shown(web: aiohttp.ClientSession, address: str) -> bytes | None:
    """The beginning of what an address shows; None where nobody answers."""
    try:
        # As it is: dots would be resolved before the server sees them.
        url = URL(address, encoded=True)
        async with web.get(url, allow_redirects=False) as answer:
            return await answer.content.read(_READ_BYTES) if answer.status == 200 else b""
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as exc:
        log.info("objects.address_not_asked", error=type(exc).__name__)
        return None
