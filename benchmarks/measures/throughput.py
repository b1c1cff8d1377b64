"""How many pieces a second, and what each part takes for a piece."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks._figures import Table
from benchmarks._progress import Progress
from benchmarks.atelier.facts import Stage, moments, stages
from benchmarks.atelier.running import Atelier
from benchmarks.atelier.usage import Meter, Spent, Usage
from benchmarks.measures.rates import steady_rate

WARM_UP_PIECES = 100
BESIDES = ("(worker)", "(client)", "supervisor")
"""Parts that are measured but do not carry pieces."""


@dataclass(frozen=True, slots=True)
class Throughput:
    """How fast it went, and what was spent meanwhile.

    `all_per_s` counts from the first order to the last piece, `steady_per_s` leaves out a tenth at
    either end.
    """

    pieces: int
    all_per_s: float
    steady_per_s: float
    spent: Spent
    stages: Sequence[Stage]

    @property
    def cpu_ms(self) -> float:
        """Processor time of a piece, in milliseconds, of all parts together."""
        carrying = (usage.cpu_s for name, usage in self.spent.used.items() if name not in BESIDES)
        return sum(carrying) / self.pieces * 1000

    def parts(self, title: str) -> Table:
        """Processor time and memory of each process."""
        rows = [(name, self._row(usage)) for name, usage in self.spent.used.items()]
        rows.append(("other programs", (None, self.spent.others_cores, None)))
        return Table(title, ("CPU ms/piece", "cores", "peak MB"), tuple(rows))

    def _row(self, usage: Usage) -> tuple[float | None, ...]:
        cores = usage.cpu_s / self.spent.took_s
        return usage.cpu_s / self.pieces * 1000, cores, usage.peak_bytes / 1e6


async def throughput(atelier: Atelier, pieces: int, progress: Progress) -> Throughput:
    """Order `pieces` pieces as fast as the door takes them, and wait for the last."""
    await _warm_up(atelier)
    progress.begin(f"{pieces:,} pieces through Atelier")
    meter, began = Meter(atelier.usage), time.time()
    await atelier.order_many(pieces)
    async with progress.watching(atelier.ends.count, of=pieces):
        await atelier.ends.until(pieces)
    spent = meter.spent()
    heard = sorted(atelier.ends.persisted_at.values())
    progress.begin("reading from the streams when each fact was written")
    seen = await moments(atelier.endpoint, atelier.ends.persisted_at)
    return Throughput(
        pieces=pieces,
        all_per_s=pieces / (heard[-1] - began),
        steady_per_s=steady_rate(heard),
        spent=spent,
        stages=stages(seen),
    )


async def _warm_up(atelier: Atelier) -> None:
    atelier.ends.forget()
    await atelier.order(WARM_UP_PIECES)
    await atelier.ends.until(WARM_UP_PIECES)
    atelier.ends.forget()
