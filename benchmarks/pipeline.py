"""How fast the real pipeline is, beside what else does the same work: `./dev bench pipeline`."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from benchmarks._comparison import AtelierFigures, Findings, report
from benchmarks._figures import Report
from benchmarks._progress import Progress
from benchmarks.atelier.running import running_atelier
from benchmarks.measures.backlog import backlog
from benchmarks.measures.batch import batch
from benchmarks.measures.latency import latency
from benchmarks.measures.throughput import throughput
from benchmarks.peers.celery_atelier.running import (
    SYNCS,
    CannotRun,
    measure_celery,
    measure_work,
)
from benchmarks.peers.chains.running import KINDS, measure_chain
from benchmarks.provider.image import SMALL_PX
from benchmarks.provider.running import running_worker

_BRIEFS = 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to measure: so many pieces, pictures of `image_px` beside the small ones, a backlog."""

    pieces: int = 2000
    image_px: int = SMALL_PX
    backlog: int = 0


@dataclass(slots=True)
class _Run:
    """One run: everything one after the other, on the same machine."""

    wanted: Wanted
    progress: Progress = field(default_factory=Progress)
    briefs: Sequence[dict[str, Any]] = ()

    async def all(self) -> Findings:
        small = await self._atelier(SMALL_PX)
        large = None
        if self.wanted.image_px != SMALL_PX:
            large = await self._atelier(self.wanted.image_px)
        found = Findings(small, large)
        for kind in KINDS:
            self.progress.begin(f"five hops that do nothing, {kind}")
            found.chains[kind] = await measure_chain(kind, self.wanted.pieces)
        await self._celery(found)
        found.batch = await batch(self.progress)
        return found

    async def _atelier(self, image_px: int) -> AtelierFigures:
        async with AsyncExitStack() as stack:
            self.progress.begin(f"starting Atelier, pictures of {image_px} by {image_px}")
            worker = await stack.enter_async_context(running_worker(image_px=image_px))
            atelier = await stack.enter_async_context(running_atelier(worker, image_px=image_px))
            quiet = await latency(atelier, self.progress)
            loaded = await throughput(atelier, self.wanted.pieces, self.progress)
            queue = None
            if self.wanted.backlog and image_px == SMALL_PX:
                queue = await backlog(atelier, self.wanted.backlog, self.progress)
            self.briefs = await atelier.briefs(_BRIEFS)
            return AtelierFigures(image_px, quiet, loaded, queue)

    async def _celery(self, found: Findings) -> None:
        async with running_worker(image_px=SMALL_PX) as worker:
            for sync in SYNCS:
                self.progress.begin(f"Celery and Redis, which syncs {sync}")
                try:
                    found.celery[sync] = await measure_celery(
                        self.briefs, self.wanted.pieces, worker, SMALL_PX, sync
                    )
                except CannotRun as exc:
                    found.notes.append(f"Celery was not measured: {exc}")
                    return
            self.progress.begin("the same work without a queue")
            found.work = await measure_work(self.briefs, self.wanted.pieces, worker, SMALL_PX)


async def measure(wanted: Wanted) -> Report:
    """All of it; takes minutes and says how far it is on stderr."""
    return report(await _Run(wanted).all())
