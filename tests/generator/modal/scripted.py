"""A server that does exactly what its script says, one connection at a time or many."""

import asyncio
import json
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from socket import SO_LINGER, SOL_SOCKET

from tests.generator.worker_stub import image_answer, png

Act = Callable[[asyncio.StreamWriter], Awaitable[None]]
CALL = "fc-01ABC"
_JSON = {"Content-Type": "application/json"}
RESULT = f"/generate-image?__modal_function_call_id={CALL}"


@dataclass
class Asked:
    """One request as it came in."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Script:
    """What to do, request by request; the last entry repeats."""

    acts: list[Act]
    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    under_way: list[asyncio.Task[None]] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def lines(self) -> list[str]:
        return [f"{each.method} {each.target}" for each in self.asked]

    def begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Here, for a task that is cancelled before it begins closes nothing.
        self.writers.append(writer)
        self.under_way.append(asyncio.create_task(self._serve(reader, writer)))

    async def end(self) -> None:
        for task in self.under_way:
            task.cancel()
        await asyncio.gather(*self.under_way, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.asked.append(await _request(reader))
            act = self.acts[min(len(self.asked), len(self.acts)) - 1]
            await act(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # whoever asked has gone
        finally:
            writer.close()

    async def let_go(self) -> None:
        """Close what still has something to send to somebody who reads no more."""
        for writer in self.writers:
            writer.transport.abort()
        closing = (writer.wait_closed() for writer in self.writers)
        await asyncio.gather(*closing, return_exceptions=True)


@asynccontextmanager
async def scripted(*acts: Act) -> AsyncIterator[Script]:
    """A server that carries out these acts."""
    script = Script(list(acts))
    server = await asyncio.start_server(script.begin, "127.0.0.1", 0)
    script.port = server.sockets[0].getsockname()[1]
    try:
        yield script
    finally:
        server.close()
        await asyncio.sleep(0.05)  # what was accepted at the last moment begins, and can be ended
        await script.end()
        await script.let_go()


async def _request(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    line, *rest = head.strip().split("\r\n")
    method, target, _ = line.split(" ")
    headers = {name.lower(): value for name, _, value in (each.partition(": ") for each in rest)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Asked(method, target, headers, body)


def says(status: int, body: bytes = b"", **headers: str) -> Act:
    """A whole answer."""
    return _sends(_answer(status, body, headers))


def as_json(status: int, body: object, **headers: str) -> Act:
    return _sends(_answer(status, json.dumps(body).encode(), _JSON | headers))


def refuses(status: int, code: str, **more: object) -> Act:
    return as_json(status, {"error": code.lower(), "error_code": code, **more})


def sees_other(location: str = RESULT) -> Act:
    return says(303, Location=location)


def accepted(call_id: object = CALL) -> Act:
    return as_json(202, {"call_id": call_id})


def later(status: int = 202, **headers: str) -> Act:
    return _sends(_answer(status, b"", headers))


def html(status: int, **headers: str) -> Act:
    return says(status, b"<html>oops</html>", Content_Type="text/html", **headers)


def gives(image: bytes | None = None) -> Act:
    """An image."""
    shown = png(1024, 1024) if image is None else image
    asked: dict[str, object] = {
        "width": 1024,
        "height": 1024,
        "steps": 28,
        "cfg": 5.5,
        "seed": 7,
        "lora_scale": 0.9,
    }
    return says(200, image_answer(shown, asked).get_data(), Content_Type="application/json")


async def resets(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def hangs(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


async def drips(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"{")
        await writer.drain()
        await asyncio.sleep(0.02)


async def breaks_off(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{")
    await writer.drain()


def _sends(answer: bytes) -> Act:
    async def act(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    return act


def _answer(status: int, body: bytes, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body
