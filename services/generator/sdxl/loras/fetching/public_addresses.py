"""Which addresses are the public Internet, and nobody's inside."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host, in the order in which they should be tried. Raises OSError."""

_TRANSLATED = IPv6Network("64:ff9b::/96")
_UNICAST = IPv6Network("2000::/3")
_TUNNELS = tuple(map(IPv6Network, ("2001::/23", "2002::/16", "2001:db8::/32", "3fff::/20")))
# What Python calls global depends on its version, and Azure's host is global by its number only.
_SPECIAL = tuple(map(IPv4Network, ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32")))


def is_public(address: str) -> bool:
    """Whether an address belongs to the public Internet, whichever way it is written."""
    return _is_public(_read(address))


def is_loopback(address: str) -> bool:
    """Whether an address is this machine's own."""
    found = _read(address)
    return found is not None and found.is_loopback


async def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(place[0]) for *_, place in found))


def _read(address: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return found.ipv4_mapped
        if found in _TRANSLATED:
            return IPv4Address(int(found) & 0xFFFFFFFF)
    return found


def _is_public(found: IPv4Address | IPv6Address | None) -> bool:
    if found is None or not found.is_global or found.is_multicast:
        return False
    if isinstance(found, IPv6Address):
        return found in _UNICAST and not any(found in tunnel for tunnel in _TUNNELS)
    return not any(found in special for special in _SPECIAL)
