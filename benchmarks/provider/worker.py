"""Speaks docs/worker-contract.md and gives everybody the same picture.

Written on asyncio's protocols rather than a framework, so that it takes as little as possible of
the processors that are measured.
"""

import asyncio
import base64
import json
from contextlib import AsyncExitStack
from pathlib import Path
from typing import cast

HOST = "127.0.0.1"
_END_OF_HEAD = b"\r\n\r\n"


class Worker:
    """Gives `image` after `takes_s` seconds, at most `slots` at a time (0: any number)."""

    def __init__(self, image: bytes, *, side_px: int, takes_s: float = 0.0, slots: int = 0) -> None:
        encoded = base64.b64encode(image).decode()
        self._begin = (
            f'{{"image_base64":"{encoded}","image_size":"{side_px}x{side_px}",'
            f'"generation_time_seconds":{takes_s},"model_info":{{"base_model":"stub",'
            '"lora_applied":true,"lora_version":"1","lora_scale":0.9},"metadata":'
        ).encode()
        self._takes_s = takes_s
        self._slots = asyncio.Semaphore(slots) if slots else None

    async def serve(self, port_file: Path) -> None:
        """Listen on a free port and write it to `port_file`; runs until cancelled."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Connection(self), HOST, 0)
        port = server.sockets[0].getsockname()[1]
        part = port_file.with_suffix(".part")
        part.write_text(str(port))
        part.replace(port_file)
        await server.serve_forever()

    @property
    def is_instant(self) -> bool:
        """Whether answers need no waiting."""
        return not self._takes_s

    async def make(self, request: bytes) -> bytes:
        """The answer to a request, after the time that an image takes."""
        async with AsyncExitStack() as stack:
            if self._slots is not None:
                await stack.enter_async_context(self._slots)
            await asyncio.sleep(self._takes_s)
        return self.answer(request)

    def answer(self, request: bytes) -> bytes:
        """The answer to a request, at once."""
        asked = json.loads(request)
        metadata = {
            "seed_used": asked["seed"],
            "actual_steps": asked["steps"],
            "actual_cfg": asked["cfg"],
        }
        return self._begin + json.dumps(metadata).encode() + b"}"


class _Connection(asyncio.Protocol):
    """HTTP/1.1 as the generator's client speaks it: one request at a time, kept alive."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
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
        if self._worker.is_instant:
            self._reply(self._worker.answer(body))
        else:
            making = asyncio.create_task(self._make(body))
            self._making.add(making)
            making.add_done_callback(self._making.discard)

    async def _make(self, body: bytes) -> None:
        self._reply(await self._worker.make(body))

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
