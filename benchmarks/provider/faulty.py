"""A provider that fails and stalls as often as it is told, in both formats that are compared.

`POST /generate-image` as in docs/worker-contract.md, `POST /v1/images/generations` as OpenAI's
image API, `GET /figures` for what it has seen. A process of its own:
`python -m benchmarks.provider.faulty --port-file F`.
"""

import argparse
import asyncio
import base64
import json
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.provider.image import SMALL_PX, png

HOST = "127.0.0.1"
OPENAI_PATH = "/v1/images/generations"
FIGURES_PATH = "/figures"


@dataclass(frozen=True, slots=True)
class Manners:
    """Share of calls that fail or stall (0..1), and seconds that an image and a stall take."""

    fails: float = 0.0
    stalls: float = 0.0
    takes_s: float = 0.0
    stalls_s: float = 60.0


@dataclass
class FaultyProvider:
    """Draws lots for every call, always in the same order."""

    manners: Manners
    lots: Random
    seen: Counter[str] = field(default_factory=Counter)
    at_once: int = 0
    most_at_once: int = 0

    def __post_init__(self) -> None:
        self._image = base64.b64encode(png(SMALL_PX)).decode()

    async def serve(self, port_file: Path) -> None:
        """Listen on a free port and write it to `port_file`; runs until cancelled."""
        server = await asyncio.start_server(self._connected, HOST, 0)
        part = port_file.with_suffix(".part")
        part.write_text(str(server.sockets[0].getsockname()[1]))
        part.replace(port_file)
        await server.serve_forever()

    async def _connected(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            while (request := await _request(reader)) is not None:
                status, answer = await _unless_gone(self._answer(*request), reader)
                body = json.dumps(answer).encode()
                head = (
                    f"HTTP/1.1 {status} {'OK' if status == 200 else 'No'}\r\n"
                    f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                )
                writer.write(head.encode() + body)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client had waited long enough
        finally:
            writer.close()

    async def _answer(self, path: str, body: bytes) -> tuple[int, dict[str, object]]:
        if path == FIGURES_PATH:
            return 200, {**self.seen, "most_at_once": self.most_at_once}
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await self._made(path, body)
        finally:
            self.at_once -= 1

    async def _made(self, path: str, body: bytes) -> tuple[int, dict[str, object]]:
        lot = self.lots.random()
        self.seen["calls"] += 1
        if lot < self.manners.stalls:
            self.seen["stalled"] += 1
            await asyncio.sleep(self.manners.stalls_s)
        await asyncio.sleep(self.manners.takes_s * self.lots.uniform(0.7, 1.3))
        if lot < self.manners.stalls + self.manners.fails:
            self.seen["failed"] += 1
            return 500, {"error": "out of order", "error_code": "GENERATION_FAILED"}
        if path == OPENAI_PATH:
            return 200, {"created": 0, "data": [{"b64_json": self._image}]}
        return 200, self._generated(json.loads(body))

    def _generated(self, asked: dict[str, object]) -> dict[str, object]:
        return {
            "image_base64": self._image,
            "image_size": f"{SMALL_PX}x{SMALL_PX}",
            "generation_time_seconds": self.manners.takes_s,
            "model_info": {
                "base_model": "stub",
                "lora_applied": True,
                "lora_version": "1",
                "lora_scale": 0.9,
            },
            "metadata": {
                "seed_used": asked["seed"],
                "actual_steps": asked["steps"],
                "actual_cfg": asked["cfg"],
            },
        }


async def _unless_gone(
    answering: Coroutine[Any, Any, tuple[int, dict[str, object]]], reader: StreamReader
) -> tuple[int, dict[str, object]]:
    """The answer, or ConnectionError as soon as nobody waits: then it is no call any more."""
    answer, gone = asyncio.create_task(answering), asyncio.create_task(reader.read(1))
    try:
        await asyncio.wait({answer, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise ConnectionResetError
        return answer.result()
    finally:
        gone.cancel()
        answer.cancel()
        # Nobody else may read from it before this one has let go.
        await asyncio.gather(gone, answer, return_exceptions=True)


async def _request(reader: StreamReader) -> tuple[str, bytes] | None:
    """Path and body of the next request; None at the end of the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return lines[0].split(" ")[1], body


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.provider.faulty")
    parser.add_argument("--port-file", type=Path, required=True)
    parser.add_argument("--fails", type=float, default=0.0, help="share of calls that fail")
    parser.add_argument("--stalls", type=float, default=0.0, help="share of calls that stall")
    parser.add_argument("--seconds", type=float, default=0.0, help="that an image takes")
    parser.add_argument("--seed", type=int, default=1, help="of the lots")
    given = parser.parse_args()
    manners = Manners(given.fails, given.stalls, given.seconds)
    lots = Random(given.seed)  # noqa: S311 - lots are no secret
    asyncio.run(FaultyProvider(manners, lots).serve(given.port_file))


if __name__ == "__main__":
    main()
