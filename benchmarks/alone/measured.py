"""Send pieces through one service and count what its process takes."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass

from nats.aio.msg import Msg

from benchmarks._progress import Progress
from benchmarks.alone.memory import Held, Memory
from benchmarks.alone.part import Part
from benchmarks.alone.place import open_place
from benchmarks.atelier.usage import Meter, Spent, Usage, usage_by_name

_WARM_SHARE = 0.2
_IN_FLIGHT = 100
_SAMPLES = 200
_SILENCE_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Alone:
    """Figures of one service; `spent` is without the first fifth of the pieces."""

    name: str
    service: str
    pieces: int
    measured: int
    spent: Spent
    held: Held
    notes: tuple[str, ...]

    @property
    def per_s(self) -> float:
        """Pieces a second."""
        return self.measured / self.spent.took_s

    def cpu_ms(self, name: str) -> float:
        """Processor time of a piece in this process."""
        return self.spent.used[name].cpu_s / self.measured * 1000


class Stuck(Exception):
    """The service has stopped working; the message ends with its own words."""


async def measured_alone(part: Part, pieces: int, progress: Progress) -> Alone:
    """Start the service with its neighbours, send so many pieces through, stop it."""
    progress.begin(f"{part.name}: {pieces:,} pieces")
    async with open_place() as place, AsyncExitStack() as stack:
        settings = await part.open(place, stack)
        pid = await stack.enter_async_context(place.process(part.service, settings))
        watched = {part.name: pid, "broker": place.broker.pid, **part.besides()}
        traffic = _Traffic(part, pieces, Memory(pid), watched)
        heard = await place.nc.subscribe(place.subjects(part.ends), cb=traffic.hear)
        await place.nc.flush()
        try:
            await traffic.send(progress)
        except TimeoutError:
            raise Stuck(f"{part.name}: {place.log_file.read_text()[-2000:]}") from None
        await heard.unsubscribe()
        return traffic.figures()


class _Traffic:
    """Keeps a hundred pieces in flight until all have ended."""

    def __init__(self, part: Part, pieces: int, memory: Memory, watched: dict[str, int]) -> None:
        self._part, self._pieces, self._memory, self._watched = part, pieces, memory, watched
        self._done = 0
        self._warm = round(pieces * _WARM_SHARE)
        self._sample_every = max(1, pieces // _SAMPLES)
        self._news = asyncio.Event()
        self._meter: Meter | None = None
        self._spent: Spent | None = None

    async def hear(self, message: Msg) -> None:
        """Take note of one end."""
        await self._part.ended(message.data)
        self._done += 1
        if self._done == self._warm:
            self._meter = Meter(self._usage)
        if self._done == self._pieces and self._meter is not None:
            self._spent = self._meter.spent()
        if self._done % self._sample_every == 0:
            self._memory.look(self._done)
        self._news.set()

    async def send(self, progress: Progress) -> None:
        """Feed, and return when everything has ended. Raises TimeoutError when nothing ends."""
        async with progress.watching(lambda: self._done, of=self._pieces):
            for first in range(0, self._pieces, self._part.together):
                count = min(self._part.together, self._pieces - first)
                await self._until(first + count - _IN_FLIGHT)
                await self._part.feed(first, count)
            await self._until(self._pieces)

    async def _until(self, done: int) -> None:
        while self._done < done:
            self._news.clear()
            await asyncio.wait_for(self._news.wait(), _SILENCE_LIMIT_S)

    def figures(self) -> Alone:
        """What was measured."""
        if self._spent is None:
            raise RuntimeError("nothing was measured")
        measured = self._pieces - self._warm
        held, notes = self._memory.held(), self._part.notes()
        return Alone(
            self._part.name, self._part.service, self._pieces, measured, self._spent, held, notes
        )

    def _usage(self) -> dict[str, Usage]:
        return usage_by_name(self._watched, with_children=self._part.besides())
