"""An image worker that speaks the worker's contract and fails in every way it can.

A process of its own: `python -m tests.chaos.provider SEED LOG`. It prints its port, and ends with
its standard input. What it was asked and what it gave stands in LOG, line by line; the images
themselves lie in `images/` beside it, each named by its sha256.
"""

import asyncio
import itertools
import json
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.chaos.evidence import IMAGES, JsonLines, keep_image
from tests.chaos.misbehaviour import Manner, manner_of
from tests.chaos.orders import label_in
from tests.chaos.stdin import until_stdin_ends
from tests.chaos.worker_answers import Asked, image_for, refusal, with_image

WORK_S = (0.02, 0.15)
SLOW_WORK_S = (0.8, 1.6)
LATE_BY_S = 1.0


class Worker:
    """Answers requests one by one on each connection, as many connections as there are."""

    def __init__(self, seed: int, log: JsonLines, images: Path) -> None:
        self._seed = seed
        self._log = log
        self._images = images
        self._calls = itertools.count(1)
        self._times_asked: Counter[str] = Counter()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection to its end."""
        try:
            while (asked := await _read_request(reader)) is not None:
                if not await self._answer(asked, writer):
                    writer.transport.abort()
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # the asker has gone; what was done for it is on record
        finally:
            writer.close()

    async def _answer(self, asked: Asked, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; False when the connection is to be cut."""
        label = label_in(asked["prompt"]) or str(asked["seed"])
        self._times_asked[label] += 1
        nth = self._times_asked[label]
        manner = manner_of(self._seed, label, nth)
        call = _Call(self._log, next(self._calls), asked, manner, f"{label}, image {nth}")
        call.note("asked")
        refused = refusal(manner)
        if refused is not None:
            call.note("refused", status=refused.status)
            return await _send(writer, refused.encoded())
        if manner is Manner.CUT_BEFORE:
            call.note("cut")
            return False
        if manner is Manner.HANG:
            call.note("hung")
            await asyncio.sleep(asked["timeout"] + LATE_BY_S)
            return False
        return await self._give(call, writer)

    async def _give(self, call: "_Call", writer: asyncio.StreamWriter) -> bool:
        manner, asked = call.manner, call.asked
        random = Random(f"{self._seed} {call.title}")
        match manner:
            case Manner.LATE:
                await asyncio.sleep(asked["timeout"] + LATE_BY_S)
            case Manner.SLOW:
                await asyncio.sleep(random.uniform(*SLOW_WORK_S))
            case _:
                await asyncio.sleep(random.uniform(*WORK_S))
        image = image_for(manner, asked, call.title)
        # From here on the work is done, and is to be paid for however the answer fares.
        call.billed, call.sha256 = True, keep_image(self._images, image)
        reply = with_image(image, asked).encoded()
        if manner is Manner.CUT_WHILE:
            call.note("cut")
            await _send(writer, reply[: len(reply) // 2])
            return False
        call.note("given", status=200)
        return await _send(writer, reply) and manner is not Manner.CUT_AFTER


@dataclass(slots=True)
class _Call:
    """One request on record. `title` makes its image differ from that of any other request."""

    log: JsonLines
    number: int
    asked: Asked
    manner: Manner
    title: str
    billed: bool = False
    sha256: str | None = None

    def note(self, event: str, *, status: int | None = None) -> None:
        # The link to the weights opens them: it is a secret.
        request = {name: value for name, value in self.asked.items() if name != "lora_url"}
        self.log.write(
            call=self.number,
            event=event,
            request=request,
            status=status,
            sha256=self.sha256,
            billed=self.billed,
            manner=self.manner.value,
        )


async def _read_request(reader: asyncio.StreamReader) -> Asked | None:
    head = await reader.readuntil(b"\r\n\r\n") if not reader.at_eof() else b""
    lengths = [
        int(value)
        for name, _, value in (line.partition(b":") for line in head.split(b"\r\n"))
        if name.lower() == b"content-length"
    ]
    if not lengths:
        return None
    asked: Asked = json.loads(await reader.readexactly(lengths[0]))
    return asked


async def _send(writer: asyncio.StreamWriter, data: bytes) -> bool:
    writer.write(data)
    await writer.drain()
    return True


async def main(seed: int, log_file: Path) -> None:
    """Serve until the standard input ends."""
    worker = Worker(seed, JsonLines(log_file), log_file.parent / IMAGES)
    server = await asyncio.start_server(worker.serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - for our starter
    await until_stdin_ends()
    server.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2])))
