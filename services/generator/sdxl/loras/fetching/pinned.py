"""Connections to exactly the address that was checked.

A name is resolved once; whoever answers differently the second time is never asked a second time.
The certificate is still checked against the name. No proxy is used: it would resolve again.
"""

import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2

from services.generator.sdxl.loras.fetching.links import Link, names_this_machine
from services.generator.sdxl.loras.fetching.public_addresses import (
    Resolver,
    is_loopback,
    is_public,
    resolve,
)
from services.generator.sdxl.loras.refusals import shown, unreachable

Transports = Callable[[], httpx2.AsyncBaseTransport]

_MOST_ADDRESSES = 4
_TIMEOUT = httpx2.Timeout(30.0, connect=10.0)
_ONE_CONNECTION = httpx2.Limits(max_connections=1, max_keepalive_connections=0)


def transports(context: ssl.SSLContext | None = None) -> Transports:
    """A new transport for every request: a connection proves one name, and serves no other."""
    trusted = context or httpx2.create_ssl_context()

    def transport() -> httpx2.AsyncBaseTransport:
        return httpx2.AsyncHTTPTransport(verify=trusted, trust_env=False, limits=_ONE_CONNECTION)

    return transport


@dataclass(frozen=True, slots=True)
class Pinned:
    """Sends requests to checked addresses."""

    transports: Transports
    resolver: Resolver = resolve

    @asynccontextmanager
    async def get(
        self, link: Link, headers: dict[str, str], *, loopback: bool
    ) -> AsyncIterator[httpx2.Response]:
        """Ask for a link, redirects not followed. Raises NoPicture and httpx2's TransportError."""
        async with self.transports() as transport:
            response = await self._first_answer(transport, link, headers, loopback=loopback)
            try:
                yield response
            finally:
                await response.aclose()

    async def _first_answer(
        self,
        transport: httpx2.AsyncBaseTransport,
        link: Link,
        headers: dict[str, str],
        *,
        loopback: bool,
    ) -> httpx2.Response:
        addresses = await self._addresses(link, loopback=loopback)
        for place, address in enumerate(addresses, start=1):
            try:
                return await transport.handle_async_request(_request(link, address, headers))
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                if place == len(addresses):
                    raise
        raise unreachable(f"{shown(link.host)} has no address.")

    async def _addresses(self, link: Link, *, loopback: bool) -> Sequence[str]:
        port = link.url.port or (443 if link.url.scheme == "https" else 80)
        try:
            found = await self.resolver(link.host, port)
        except (OSError, UnicodeError):
            raise unreachable(f"{shown(link.host)} could not be resolved.") from None
        wanted = is_loopback if loopback and names_this_machine(link.host) else is_public
        # One that is not is reason enough: nobody publishes such a mixture in good faith.
        if not all(map(wanted, found)):
            raise unreachable(f"{shown(link.host)} leads to an address that is not public.")
        return found[:_MOST_ADDRESSES]


def _request(link: Link, address: str, headers: dict[str, str]) -> httpx2.Request:
    extensions = {"timeout": _TIMEOUT.as_dict(), "sni_hostname": link.host}
    return httpx2.Request(
        "GET",
        link.url.copy_with(host=address, fragment=None),
        headers={"Host": link.url.netloc.decode("ascii"), **headers},
        extensions=extensions,
    )
