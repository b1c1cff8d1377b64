"""A store on a socket of ours, which answers as it is told, badly if need be."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Answer = Callable[["Asked", asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Asked:
    """One request, as it came, and the name that the client asked a certificate for."""

    target: str
    headers: Mapping[str, str]
    sni: str | None


@dataclass
class Store:
    """Asks `answer` for every reply; one connection, one request."""

    answer: Answer
    port: int = 0
    sni: str | None = None
    asked: list[Asked] = field(default_factory=list)

    def link(self, path: str = "/ada.safetensors?X-Amz-Signature=canary", tls: str = "") -> str:
        return f"http{tls}://127.0.0.1:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            pairs = (line.split(": ", 1) for line in head[1:] if line)
            headers = {name.lower(): value for name, value in pairs}
            asked = Asked(head[0].split(" ")[1], headers, self.sni)
            self.asked.append(asked)
            await self.answer(asked, writer)
        except (OSError, asyncio.IncompleteReadError):
            # Whoever asked has gone.
            pass
        finally:
            writer.close()


@asynccontextmanager
async def store(answer: Answer, context: ssl.SSLContext | None = None) -> AsyncIterator[Store]:
    """A store on a port of its own, by TLS where there is a context."""
    serving = Store(answer)
    if context is not None:

        def named(_: object, name: str | None, __: object) -> None:
            serving.sni = name

        context.sni_callback = named
    server = await asyncio.start_server(serving.serve, "127.0.0.1", 0, ssl=context)
    serving.port = server.sockets[0].getsockname()[1]
    try:
        yield serving
    finally:
        server.close()
        await server.wait_closed()


def head(status: int, **headers: object) -> bytes:
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([f"HTTP/1.1 {status} X", *lines, "Connection: close", "", ""]).encode()


def replies(
    body: bytes = b"", status: int = 200, *, declared: int | None = None, **headers: object
) -> Answer:
    """Always the same, with a length that may be wrong."""
    length = len(body) if declared is None else declared

    async def answer(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(head(status, content_length=length, **headers) + body)
        await writer.drain()

    return answer


def says(raw: bytes) -> Answer:
    """These bytes, and the end."""

    async def answer(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await writer.drain()

    return answer


def with_etag(contents: Mapping[str, tuple[str, bytes]]) -> Answer:
    """Files by path, query not looked at, with ETags and answers that nothing changed."""

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        etag, body = contents[asked.target.partition("?")[0]]
        if etag and asked.headers.get("if-none-match") == etag:
            writer.write(head(304, etag=etag))
        else:
            more = {"etag": etag} if etag else {}
            writer.write(head(200, content_length=len(body), **more) + body)
        await writer.drain()

    return answer


def never_ends(begin: bytes) -> Answer:
    """Begins, then nothing, until the client goes away."""

    async def answer(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(begin)
        await writer.drain()
        while not writer.transport.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    return answer


def resets(begin: bytes) -> Answer:
    """Begins, then breaks the connection."""

    async def answer(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(begin)
        await writer.drain()
        found: socket.socket = writer.get_extra_info("socket")
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    return answer
