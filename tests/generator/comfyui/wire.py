"""A server of HTTP and websockets on one port, that can also misbehave on the wire."""

import asyncio
import base64
import hashlib
import json
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TEXT, _BINARY = 0x81, 0x82


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """An answer; `cut_at` sends so many bytes of its body, `drip_s` one byte each so often."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut_at: int | None = None
    drip_s: float = 0.0
    resets: bool = False
    hangs: bool = False


def as_json(body: object, status: int = 200) -> Reply:
    return Reply(status, json.dumps(body).encode(), {"Content-Type": "application/json"})


class Socket:
    """The server's end of a websocket."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    def send(self, message: str | bytes) -> None:
        data = message.encode() if isinstance(message, str) else message
        kind = _TEXT if isinstance(message, str) else _BINARY
        head = struct.pack("!BB", kind, len(data)) if len(data) < 126 else _long(kind, len(data))
        self._writer.write(head + data)

    def drop(self) -> None:
        self._writer.transport.abort()


def _long(kind: int, size: int) -> bytes:
    if size < 2**16:
        return struct.pack("!BBH", kind, 126, size)
    return struct.pack("!BBQ", kind, 127, size)


Answering = Callable[[Request], Awaitable[Reply]]
Listening = Callable[[str, Socket, bool], None]


class WireServer:
    """`answer` serves requests; `socket` is told when a client's websocket opens and closes."""

    def __init__(self, answer: Answering, socket: Listening) -> None:
        self._answer = answer
        self._socket = socket
        self.takes_sockets = True
        self.port = 0
        self.loop = asyncio.new_event_loop()
        self._writers: list[asyncio.StreamWriter] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=self.loop.run_forever)
        thread.start()
        try:
            server = self.do(asyncio.start_server(self._serve, "127.0.0.1", 0))
            self.port = server.sockets[0].getsockname()[1]
            yield
        finally:
            self.do(self._end(server))
            self.loop.call_soon_threadsafe(self.loop.stop)
            thread.join()
            self.loop.close()

    def do(self, work: Any) -> Any:
        """Run a coroutine on the server's side."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(10)

    async def _end(self, server: asyncio.Server) -> None:
        server.close()
        await asyncio.sleep(0.01)  # what was accepted at the last moment begins, and can be ended
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        closing = [writer.wait_closed() for writer in self._writers]
        await asyncio.gather(*closing, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        try:
            request = await _read(reader)
            if request.headers.get("upgrade", "").lower() == "websocket" and self.takes_sockets:
                await self._listen(request, reader, writer)
            else:
                await _send(writer, await self._answer(request))
            writer.close()
            await writer.wait_closed()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            # What was not sent is sent to nobody.
            writer.transport.abort()

    async def _listen(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        key = request.headers["sec-websocket-key"]
        accept = base64.b64encode(hashlib.sha1((key + _GUID).encode()).digest()).decode()
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept.encode() + b"\r\n\r\n"
        )
        client, socket = request.query["clientId"], Socket(writer)
        self._socket(client, socket, True)
        try:
            await reader.read()
        finally:
            self._socket(client, socket, False)


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, target, _ = head[0].split(" ")
    pairs = (line.split(":", 1) for line in head[1:] if line)
    headers = {name.strip().lower(): value.strip() for name, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    parts = urlsplit(target)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    return Request(method, parts.path, query, headers, body)


async def _send(writer: asyncio.StreamWriter, reply: Reply) -> None:
    if reply.hangs:
        await asyncio.sleep(60)
    if reply.resets:
        writer.transport.abort()
        return
    lines = [f"HTTP/1.1 {reply.status} X", f"Content-Length: {len(reply.body)}"]
    lines += [f"{name}: {value}" for name, value in reply.headers.items()]
    writer.write("\r\n".join([*lines, "Connection: close", "", ""]).encode())
    if reply.drip_s:
        for at in range(len(reply.body)):
            writer.write(reply.body[at : at + 1])
            await writer.drain()
            await asyncio.sleep(reply.drip_s)
        return
    writer.write(reply.body[: reply.cut_at])
    await writer.drain()
