"""A batch with vendors who take their time: through the pipeline, and step by step."""

import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks._figures import Aim, Table
from benchmarks._progress import Progress
from benchmarks.atelier.running import Atelier, running_atelier
from benchmarks.measures.pace import Pace
from benchmarks.peers.step_barrier import BarrierFigures, run_batch
from benchmarks.provider.image import SMALL_PX
from benchmarks.provider.running import running_worker

PIECES = 50
TIMES_FASTER = 5.0
_WAITING_CALLS = 2
"""Calls that wait at the worker for a slot, so that none is idle between two images."""


@dataclass(frozen=True, slots=True)
class BatchFigures:
    """Seconds from the order to the first and the last piece, of both."""

    pace: Pace
    first_s: float
    last_s: float
    barrier: BarrierFigures

    def table(self) -> Table:
        """Both ways, in seconds and against what cannot be avoided."""
        alone_s, own_s = self.pace.images_s(PIECES), self.pace.own_path_s
        ways = (
            ("Atelier", self.first_s, self.last_s),
            ("step by step", self.barrier.first_s, self.barrier.last_s),
            ("images alone; one piece alone", own_s, alone_s),
        )
        return Table(
            f"A batch of {PIECES}, {TIMES_FASTER:g} times faster than in earnest",
            ("first s", "last s", "first/own path", "last/images"),
            tuple(
                (name, (first, last, first / own_s, last / alone_s)) for name, first, last in ways
            ),
        )

    def aims(self) -> tuple[Aim, ...]:
        """Hardly longer than the images alone, and no piece waits for the others."""
        alone_s, own_s = self.pace.images_s(PIECES), self.pace.own_path_s
        return (
            Aim("the batch against its images alone", self.last_s / alone_s, 1.05, "times"),
            Aim("the first piece against its own path", self.first_s / own_s, 1.2, "times"),
        )


async def batch(progress: Progress) -> BatchFigures:
    """Both ways with the same worker."""
    pace = Pace().faster(TIMES_FASTER)
    async with running_worker(takes_s=pace.image_s, slots=pace.image_slots) as worker:
        progress.begin(f"a batch of {PIECES}, step by step")
        with TemporaryDirectory(prefix="atelier-barrier-") as directory:
            barrier = await run_batch(PIECES, pace, worker, Path(directory))
        progress.begin(f"a batch of {PIECES} through Atelier")
        settings = {
            "GENERATOR_CONCURRENCY": str(pace.image_slots + _WAITING_CALLS),
            "BENCH_CAPTION_SECONDS": str(pace.caption_s),
            "BENCH_JUDGE_SECONDS": str(pace.judge_s),
            "BENCH_UPLOAD_SECONDS": str(pace.upload_s),
        }
        async with running_atelier(worker, image_px=SMALL_PX, settings=settings) as atelier:
            first_s, last_s = await _through(atelier)
    return BatchFigures(pace, first_s, last_s, barrier)


async def _through(atelier: Atelier) -> tuple[float, float]:
    await atelier.order(1)
    await atelier.ends.until(1)
    atelier.ends.forget()
    began = time.time()
    await atelier.order(PIECES)
    await atelier.ends.until(PIECES)
    heard = sorted(atelier.ends.persisted_at.values())
    return heard[0] - began, heard[-1] - began
