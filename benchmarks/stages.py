"""What each service takes for a piece: each alone, with neighbours that answer at once."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks._figures import Aim, Report, Table
from benchmarks._progress import Progress
from benchmarks.alone.generator import Generator
from benchmarks.alone.hooks import Hooks
from benchmarks.alone.ledger import Ledger
from benchmarks.alone.measured import Alone, measured_alone
from benchmarks.alone.part import Part
from benchmarks.alone.safety import Safety
from benchmarks.alone.storage import Storage
from benchmarks.measures.delivery_steps import delivery_steps
from services.storage.domain import DeliveryFormat

STAGES: Mapping[str, Callable[[str], Part]] = {
    "generator": Generator,
    "hooks": lambda name: Hooks(name, "anthropic"),
    "hooks-openai": lambda name: Hooks(name, "openai"),
    "safety": Safety,
    "storage": lambda name: Storage(name, DeliveryFormat.JPEG),
    "storage-webp": lambda name: Storage(name, DeliveryFormat.WEBP),
    "ledger": Ledger,
}
MOST_CPU_MS = {"hooks": 2.0, "storage": 60.0}
MOST_GROWTH_MB = 0.5
LEAST_FOR_GROWTH = 5000
"""Pieces without which growth is not told from chance."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which stages, and how many pieces through each; 0: as many as two minutes allow."""

    stages: Collection[str] = tuple(STAGES)
    pieces: int = 0


async def measure(wanted: Wanted) -> Report:
    """One after the other."""
    progress = Progress()
    seen = []
    for stage in wanted.stages:
        part = STAGES[stage](stage)
        seen.append(await measured_alone(part, wanted.pieces or part.pieces, progress))
    tables = [_table(seen)]
    if "storage" in wanted.stages:
        progress.begin("the steps of a delivery")
        tables.append(delivery_steps())
    return Report(
        "Each service alone, pictures of 1024² where it looks at them",
        tables,
        tuple(_aims(seen)),
        tuple(_notes(seen)),
    )


def _table(seen: Sequence[Alone]) -> Table:
    rows: list[tuple[str, tuple[float | None, ...]]] = []
    for each in seen:
        own = (each.pieces, each.per_s, each.cpu_ms(each.name), each.cpu_ms("broker"))
        rows.append((each.name, (*own, each.held.end_mb, each.held.mb_per_thousand)))
        besides = [name for name in each.spent.used if name not in {each.name, "broker"}]
        rows += [
            (f"  {name}", (None, None, each.cpu_ms(name), None, None, None)) for name in besides
        ]
    columns = ("pieces", "pieces/s", "CPU ms/piece", "broker's", "MB", "MB more/1,000")
    return Table("Service", columns, tuple(rows))


def _aims(seen: Sequence[Alone]) -> Iterator[Aim]:
    for each in seen:
        if each.service in MOST_CPU_MS:
            yield Aim(
                f"CPU of a piece, {each.name}",
                each.cpu_ms(each.name),
                MOST_CPU_MS[each.service],
                "ms",
            )
    for each in seen:
        long = each.pieces >= LEAST_FOR_GROWTH
        growth = each.held.mb_per_thousand if long else None
        yield Aim(f"memory with 1,000 pieces, {each.name}", growth, MOST_GROWTH_MB, "MB")


def _notes(seen: Sequence[Alone]) -> Iterator[str]:
    yield (
        "CPU of the process alone, without the first fifth of its pieces; vendors and workers "
        "answer at once, in other processes"
    )
    yield f"growth without the first 30 % of the pieces; judged from {LEAST_FOR_GROWTH:,} pieces on"
    others = max(each.spent.others_cores for each in seen)
    yield f"others on the machine, this client included, took up to {others:.1f} cores meanwhile"
    for each in seen:
        yield from each.notes
