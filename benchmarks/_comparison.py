"""What the pipeline's benchmark has found, as tables and aims."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from benchmarks._figures import Aim, Report, Table
from benchmarks.measures.backlog import Backlog
from benchmarks.measures.batch import BatchFigures
from benchmarks.measures.latency import ORDERS_PER_S, Latency
from benchmarks.measures.throughput import BESIDES, Throughput
from benchmarks.peers.celery_atelier.running import CeleryFigures, WorkFigures
from benchmarks.peers.chains.running import ChainFigures

LEAST_PIECES_PER_S = 120.0
LEAST_TIMES_CELERY = 4.0
MOST_P50_MS = 40.0
MOST_SERVICE_MB = 150.0
LEAST_OF_SHORT_QUEUE = 0.9
SERVICES = ("gateway", "generator", "hooks", "safety", "storage", "ledger")

_NOTICEABLE_CORES = 0.1


@dataclass(frozen=True, slots=True)
class AtelierFigures:
    """Of one Atelier, with pictures of `image_px` a side."""

    image_px: int
    quiet: Latency
    loaded: Throughput
    backlog: Backlog | None


@dataclass(slots=True)
class Findings:
    """Everything that one run has measured."""

    small: AtelierFigures
    large: AtelierFigures | None
    chains: dict[str, ChainFigures] = field(default_factory=dict)
    celery: dict[str, CeleryFigures] = field(default_factory=dict)
    work: WorkFigures | None = None
    batch: BatchFigures | None = None
    notes: list[str] = field(default_factory=list)


def report(found: Findings) -> Report:
    """The run for its readers."""
    title = f"{found.small.loaded.pieces:,} pieces, an instant worker, every write synced to disk"
    return Report(title, tuple(_tables(found)), tuple(_aims(found)), tuple(_notes(found)))


def _tables(found: Findings) -> Iterator[Table]:
    yield _rates(found)
    for figures in filter(None, (found.small, found.large)):
        yield figures.loaded.parts(f"Atelier's processes, {_size(figures)}")
        yield _stages(figures)
    for sync, celery in found.celery.items():
        yield celery.parts(f"Celery's processes ({sync})")
    if found.small.backlog is not None:
        yield found.small.backlog.table()
    if found.batch is not None:
        yield found.batch.table()


def _rates(found: Findings) -> Table:
    columns = ("pieces/s", "steady", "CPU ms/piece", "p50 ms", "p99 ms", "others' cores")
    rows: list[tuple[str, tuple[float | None, ...]]] = []
    for figures in filter(None, (found.small, found.large)):
        loaded, quiet = figures.loaded, figures.quiet
        speed = (loaded.all_per_s, loaded.steady_per_s, loaded.cpu_ms)
        rows.append(
            (
                f"Atelier, {_size(figures)}",
                (*speed, quiet.p50_ms, quiet.p99_ms, loaded.spent.others_cores),
            )
        )
    for sync, celery in found.celery.items():
        speed = (celery.all_per_s, celery.steady_per_s, celery.cpu_ms)
        rows.append(
            (
                f"Celery + Redis ({sync})",
                (*speed, celery.p50_ms, celery.p99_ms, celery.spent.others_cores),
            )
        )
    if found.work is not None:
        work = found.work
        rows.append(("the same work, no queue", (work.per_s, None, work.cpu_ms, None, None, None)))
    for kind, chain in found.chains.items():
        idle = (chain.p50_ms, chain.p99_ms)
        rows.append((f"hops doing nothing, {kind}", (None, chain.steady_per_s, None, *idle, None)))
    return Table("The way through", columns, tuple(rows))


def _stages(figures: AtelierFigures) -> Table:
    quiet, loaded = figures.quiet.stages, figures.loaded.stages
    return Table(
        f"From fact to fact, ms, {_size(figures)}",
        ("quiet p50", "quiet p99", "loaded p50", "loaded p99"),
        tuple(
            (one.name, (one.p50_ms, one.p99_ms, other.p50_ms, other.p99_ms))
            for one, other in zip(quiet, loaded, strict=True)
        ),
    )


def _aims(found: Findings) -> Iterator[Aim]:
    quiet, loaded = found.small.quiet, found.small.loaded
    yield Aim("pieces/s", loaded.all_per_s, LEAST_PIECES_PER_S, "pieces/s", at_least=True)
    celery = found.celery.get("always")
    ratio = None if celery is None else loaded.all_per_s / celery.all_per_s
    yield Aim("against Celery, synced as we are", ratio, LEAST_TIMES_CELERY, "times", at_least=True)
    yield Aim(f"p50 at {ORDERS_PER_S} pieces/s", quiet.p50_ms, MOST_P50_MS, "ms")
    if found.batch is not None:
        yield from found.batch.aims()
    for figures in filter(None, (found.small, found.large)):
        peaks = {name: figures.loaded.spent.used[name].peak_bytes for name in SERVICES}
        largest = max(peaks, key=peaks.__getitem__)
        what = f"the largest service ({largest}, {_size(figures)})"
        yield Aim(what, peaks[largest] / 1e6, MOST_SERVICE_MB, "MB")
    queue = found.small.backlog
    if queue is not None:
        slowest = min(tenth.pieces_per_s for tenth in queue.tenths)
        share = slowest / loaded.steady_per_s
        what = "the backlog's slowest tenth"
        yield Aim(what, share, LEAST_OF_SHORT_QUEUE, "of steady", at_least=True)


def _notes(found: Findings) -> Iterator[str]:
    yield from found.notes
    queue = found.small.backlog
    if queue is not None and queue.refusal is not None:
        yield queue.refusal
    if found.small.loaded.spent.others_cores > _NOTICEABLE_CORES:
        yield "Other programs were busy too: only processor time compares, and that not well."
    yield f"Processor time of a piece leaves out {', '.join(BESIDES)}."


def _size(figures: AtelierFigures) -> str:
    return f"{figures.image_px}²"
