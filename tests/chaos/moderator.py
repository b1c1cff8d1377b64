"""A moderation service in OpenAI's format that fails in every way it can, and judges by the bytes.

A process of its own: `python -m tests.chaos.moderator SEED LIMIT_S`. It prints its port, and ends
with its standard input. The same image always gets the same scores; a request is answered wrongly
more often at first than when it is made again.
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from tests.chaos.moderation import Fault, answer_to, fault_of, refusal
from tests.chaos.stdin import until_stdin_ends

LATE_BY_S = 0.5


class Moderator:
    """Answers requests one by one on each connection, as many connections as there are."""

    def __init__(self, seed: int, limit_s: float) -> None:
        self._seed = seed
        self._limit_s = limit_s
        self._times_asked: Counter[str] = Counter()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection to its end."""
        try:
            while (asked := await _read_request(reader)) is not None:
                reply = await self._answer(asked)
                if reply is None:
                    writer.transport.abort()
                    return
                writer.write(reply)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # the asker has gone
        finally:
            writer.close()

    async def _answer(self, asked: bytes) -> bytes | None:
        request: Mapping[str, Any] = json.loads(asked)
        digest = sha256(json.dumps(request["input"]).encode()).hexdigest()
        self._times_asked[digest] += 1
        fault = fault_of(self._seed, digest, self._times_asked[digest])
        if fault is Fault.HANG:
            await asyncio.sleep(self._limit_s + LATE_BY_S)
        if fault in {Fault.HANG, Fault.CUT}:
            return None
        refused = refusal(fault)
        return (refused or answer_to(request, fault)).encoded()


async def _read_request(reader: asyncio.StreamReader) -> bytes | None:
    head = await reader.readuntil(b"\r\n\r\n") if not reader.at_eof() else b""
    lengths = [
        int(value)
        for name, _, value in (line.partition(b":") for line in head.split(b"\r\n"))
        if name.lower() == b"content-length"
    ]
    return await reader.readexactly(lengths[0]) if lengths else None


async def main(seed: int, limit_s: float) -> None:
    """Serve until the standard input ends."""
    moderator = Moderator(seed, limit_s)
    # An image travels as text, a third longer.
    server = await asyncio.start_server(moderator.serve, "127.0.0.1", 0, limit=2**20)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - for our starter
    await until_stdin_ends()
    server.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
