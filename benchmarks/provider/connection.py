"""HTTP/1.1 as far as the services' clients speak it: one request at a time, kept alive.

Written on asyncio's protocols rather than a framework, so that it takes as little as possible of
the processors that are measured.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

HOST = "127.0.0.1"
_END_OF_HEAD = b"\r\n\r\n"

AtOnce = Callable[[bytes], bytes]
Later = Callable[[bytes], Awaitable[bytes]]


class Connection(asyncio.Protocol):
    """Answers every request with JSON: `later` if that is given, else `at_once`."""

    def __init__(self, at_once: AtOnce, later: Later | None = None) -> None:
        self._at_once = at_once
        self._later = later
        self._received = bytearray()
        self._making: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head_end = self._received.find(_END_OF_HEAD)
        if head_end < 0:
            return
        body_begin = head_end + len(_END_OF_HEAD)
        body_end = body_begin + _content_length(self._received[:head_end])
        if len(self._received) < body_end:
            return
        body = bytes(self._received[body_begin:body_end])
        del self._received[:body_end]
        if self._later is None:
            self._reply(self._at_once(body))
        else:
            making = asyncio.create_task(self._make(self._later(body)))
            self._making.add(making)
            making.add_done_callback(self._making.discard)

    async def _make(self, answer: Awaitable[bytes]) -> None:
        self._reply(await answer)

    def _reply(self, body: bytes) -> None:
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self._transport.writelines((head.encode(), body))


def _content_length(head: bytearray) -> int:
    for line in bytes(head).split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0
