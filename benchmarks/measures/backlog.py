"""Whether a long queue is worked off as fast as a short one."""

import asyncio
import os
import signal
from bisect import bisect_left
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import pairwise

from benchmarks._figures import Table
from benchmarks._progress import Progress
from benchmarks.atelier.running import MOST_PIECES, Atelier, OrderRefused
from benchmarks.measures.throughput import BESIDES

_TENTHS = 10
_LOOK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Tenth:
    """One tenth of the queue: pieces a second, and processor time of a piece in milliseconds."""

    pieces_per_s: float
    cpu_ms: float


@dataclass(frozen=True, slots=True)
class Backlog:
    """How a queue of so many pieces was worked off.

    `refusal` is what the door said when it took no more, before all was ordered.
    """

    pieces: int
    tenths: tuple[Tenth, ...]
    refusal: str | None

    def table(self) -> Table:
        """A row a tenth."""
        rows = tuple(
            (f"tenth {number}", (tenth.pieces_per_s, tenth.cpu_ms))
            for number, tenth in enumerate(self.tenths, start=1)
        )
        columns = ("pieces/s", "CPU ms/piece")
        return Table(f"A backlog of {self.pieces:,} pieces", columns, rows)


async def backlog(atelier: Atelier, pieces: int, progress: Progress) -> Backlog:
    """Order everything while the generator is held by SIGSTOP, then let it go."""
    atelier.ends.forget()
    progress.begin(f"ordering a backlog of {pieces:,} pieces")
    generator = atelier.pid("generator")
    os.kill(generator, signal.SIGSTOP)
    try:
        ordered, refusal = await _order(atelier, pieces, progress)
    finally:
        os.kill(generator, signal.SIGCONT)
    progress.begin(f"working off {ordered:,} pieces")
    spent = _Spent(atelier)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(progress.watching(atelier.ends.count, of=ordered))
        looking = asyncio.create_task(spent.keep_looking())
        stack.callback(looking.cancel)
        await atelier.ends.until(ordered)
    spent.look()
    return Backlog(ordered, _tenths(sorted(atelier.ends.persisted_at.values()), spent), refusal)


class _Spent:
    """Processor seconds that all parts had taken, by how many pieces were persisted."""

    def __init__(self, atelier: Atelier) -> None:
        self._atelier = atelier
        self._counts: list[int] = []
        self._cpu_s: list[float] = []

    async def keep_looking(self) -> None:
        """Take note every second, until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(_LOOK_EVERY_S)

    def look(self) -> None:
        """Take note."""
        used = self._atelier.usage().items()
        self._counts.append(self._atelier.ends.count())
        self._cpu_s.append(sum(usage.cpu_s for name, usage in used if name not in BESIDES))

    def by(self, count: int) -> float:
        """Seconds that were taken when `count` pieces were persisted, as good as we know."""
        after = max(1, min(bisect_left(self._counts, count), len(self._counts) - 1))
        (less, more), (earlier, later) = (
            (series[after - 1], series[after]) for series in (self._counts, self._cpu_s)
        )
        share = (count - less) / (more - less) if more > less else 1.0
        return earlier + share * (later - earlier)


async def _order(atelier: Atelier, pieces: int, progress: Progress) -> tuple[int, str | None]:
    for begun in range(0, pieces, MOST_PIECES):
        progress.tick(f"{begun:,} ordered")
        try:
            await atelier.order(min(MOST_PIECES, pieces - begun))
        except OrderRefused as exc:
            return begun, f"the door took no more than {begun:,} pieces: {exc}"
    return pieces, None


def _tenths(heard: Sequence[float], spent: _Spent) -> tuple[Tenth, ...]:
    last = len(heard) - 1
    marks = [round(tenth * last / _TENTHS) for tenth in range(_TENTHS + 1)]
    return tuple(
        Tenth(
            pieces_per_s=(later - earlier) / (heard[later] - heard[earlier]),
            cpu_ms=(spent.by(later) - spent.by(earlier)) / (later - earlier) * 1000,
        )
        for earlier, later in pairwise(marks)
    )
