"""Whether anything grows: a steady rate of pieces for minutes, and a slope for every process."""

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression

from benchmarks._figures import Aim, Report, Table
from benchmarks._progress import Progress
from benchmarks.atelier.running import Atelier, running_atelier
from benchmarks.provider.image import SMALL_PX
from benchmarks.provider.running import running_worker

_SAMPLE_EVERY_S = 5.0
_WARM_SHARE = 0.3
"""Of the time, after which caches, pools and threads are expected to have their size."""

_FLAT_MB_A_MINUTE = 0.5
_MEGABYTE = 2**20
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_OTHERS = {"supervisor", "nats", "postgres"}


@dataclass(frozen=True, slots=True)
class Sample:
    """What a process holds at a moment: resident bytes, open files, threads."""

    at_s: float
    memory_bytes: int
    files: int
    threads: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """So many minutes at so many single pieces a second."""

    minutes: float = 10.0
    pieces_per_s: float = 10.0


async def measure(wanted: Wanted) -> Report:
    """Run for so long, and tell how much each process holds and how that grows."""
    progress = Progress()
    progress.begin("starting Atelier")
    async with (
        running_worker(image_px=SMALL_PX) as worker,
        running_atelier(worker, image_px=SMALL_PX) as atelier,
    ):
        progress.begin(f"{wanted.pieces_per_s:g} pieces a second for {wanted.minutes:g} minutes")
        seen: dict[str, list[Sample]] = {name: [] for name in atelier.endpoint["pids"]}
        sampling = asyncio.create_task(_keep_sampling(atelier, seen, progress))
        ordered = await _order_steadily(atelier, wanted)
        await atelier.ends.until(ordered)
        sampling.cancel()
    return _report(wanted, seen, ordered)


async def _order_steadily(atelier: Atelier, wanted: Wanted) -> int:
    began = time.monotonic()
    pieces = round(wanted.minutes * 60 * wanted.pieces_per_s)
    async with asyncio.TaskGroup() as orders:
        for number in range(pieces):
            due = began + number / wanted.pieces_per_s
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            orders.create_task(atelier.order(1))
    return pieces


async def _keep_sampling(
    atelier: Atelier, seen: dict[str, list[Sample]], progress: Progress
) -> None:
    began = time.monotonic()
    while True:
        at_s = time.monotonic() - began
        for name, pid in atelier.endpoint["pids"].items():
            seen[name].append(_sample(pid, at_s))
        progress.tick(f"{atelier.ends.count():,} pieces")
        await asyncio.sleep(_SAMPLE_EVERY_S)


def _sample(pid: int, at_s: float) -> Sample:
    """As proc(5) tells it."""
    process = Path(f"/proc/{pid}")
    resident_pages = int((process / "statm").read_text().split()[1])
    return Sample(
        at_s,
        resident_pages * _PAGE_BYTES,
        len(list((process / "fd").iterdir())),
        len(list((process / "task").iterdir())),
    )


def _report(wanted: Wanted, seen: Mapping[str, Sequence[Sample]], pieces: int) -> Report:
    warm = {
        name: [each for each in samples if _is_warm(each, wanted)] for name, samples in seen.items()
    }
    slopes = {name: _slope(samples) for name, samples in warm.items()}
    rows = tuple(
        (
            name,
            (
                samples[-1].memory_bytes / _MEGABYTE,
                slopes[name],
                samples[-1].files,
                samples[-1].files - samples[0].files,
                samples[-1].threads,
                samples[-1].threads - samples[0].threads,
            ),
        )
        for name, samples in warm.items()
    )
    columns = ("MB", "MB/minute", "files", "more files", "threads", "more threads")
    ours = [slope for name, slope in slopes.items() if name not in _OTHERS]
    return Report(
        f"{wanted.minutes:g} minutes at {wanted.pieces_per_s:g} pieces a second",
        [Table("process", columns, rows)],
        [Aim("steepest service", max(ours), _FLAT_MB_A_MINUTE, "MB/minute")],
        [
            f"{pieces:,} pieces, all persisted; slopes without the first {_WARM_SHARE:.0%}",
            "the broker keeps the facts of a day in its index, so it grows with every piece",
        ],
    )


def _is_warm(sample: Sample, wanted: Wanted) -> bool:
    return sample.at_s >= wanted.minutes * 60 * _WARM_SHARE


def _slope(samples: Sequence[Sample]) -> float:
    """Megabytes a minute."""
    line = linear_regression(
        [each.at_s / 60 for each in samples], [each.memory_bytes / _MEGABYTE for each in samples]
    )
    return line.slope
