"""What the text screen finds in labelled prompts, what it blocks wrongly, and what it costs.

A prompt counts as found only under the category of its label. The times are of first readings:
nothing is remembered from one prompt to the next.
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks._figures import Aim, Report, Table, percentile
from services.safety.app import open_screen
from services.safety.domain.policy import Category
from services.safety.domain.screen import Occasion, TextScreen
from shared.content import Tier
from shared.factlog import utc_now

LABELLED = Path(__file__).parents[1] / "tests" / "safety" / "labelled_prompts.jsonl"
INNOCENT = "pass"
ROUNDS = 5
RECALL_PERCENT = 98.0
FALSE_BLOCKS_PERCENT = 2.0
MICROSECONDS = 1_000.0


@dataclass(frozen=True, slots=True)
class Reading:
    """One labelled prompt, what was found in it, and the quickest of its readings."""

    label: str
    found: frozenset[str]
    chars: int
    first_us: float
    again_us: float


def measure(labelled: Path = LABELLED) -> Report:
    """Precision and recall for each class, the share of false blocks, microseconds a prompt."""
    screen = open_screen()
    lines = labelled.read_text(encoding="utf-8").splitlines()
    readings = [_read(screen, json.loads(line)) for line in lines]
    return Report(
        title=f"Text screen, policy {screen.version}, {len(readings)} labelled prompts",
        tables=(_by_class(readings), _times(readings)),
        aims=tuple(_aims(readings)),
        notes=(
            f"first: a prompt's first reading in this process; again: the best of {ROUNDS}",
            "The prompts are our own, and the policy was made with most of them in view.",
            "The service remembers short texts, so that most of them cost nothing a second time.",
        ),
    )


def _read(screen: TextScreen, row: dict[str, Any]) -> Reading:
    occasion = Occasion(Tier(row["tier"]), _consented_name(row), utc_now().date())
    times = []
    for _ in range(1 + ROUNDS):
        # Of the processor: a busy machine would be measured otherwise.
        started = time.process_time()
        found = screen.screen(row["text"], occasion)
        times.append((time.process_time() - started) * 1e6)
    found_names = frozenset(category.value for category in found)
    return Reading(row["label"], found_names, len(row["text"]), times[0], min(times[1:]))


def _consented_name(row: dict[str, Any]) -> str | None:
    likeness = row.get("likeness") or {}
    is_attested = likeness.get("attested_by") and likeness.get("attested_at")
    return likeness.get("name") if is_attested and likeness["kind"] == "consented_person" else None


def _by_class(readings: Sequence[Reading]) -> Table:
    return Table(
        "class",
        ("prompts", "precision %", "recall %", "missed", "wrongly"),
        tuple((category.value, _counted(readings, category.value)) for category in Category),
    )


def _counted(readings: Sequence[Reading], name: str) -> tuple[float | None, ...]:
    labelled = [reading for reading in readings if reading.label == name]
    right = sum(name in reading.found for reading in labelled)
    wrong = sum(name in reading.found for reading in readings if reading.label == INNOCENT)
    precision = 100 * right / (right + wrong) if right + wrong else None
    recall = 100 * right / len(labelled) if labelled else None
    return len(labelled), precision, recall, len(labelled) - right, wrong


def _times(readings: Sequence[Reading]) -> Table:
    first = [reading.first_us for reading in readings]
    again = [reading.again_us for reading in readings]
    return Table(
        "microseconds a prompt",
        ("median", "p99", "worst"),
        tuple(
            (name, (median(times), percentile(times, 0.99), max(times)))
            for name, times in (("first", first), ("again", again))
        ),
    )


def _aims(readings: Sequence[Reading]) -> Iterator[Aim]:
    for category in Category:
        _, _, recall, *_ = _counted(readings, category.value)
        yield Aim(f"recall, {category.value}", recall, RECALL_PERCENT, "%", at_least=True)
    innocent = [reading for reading in readings if reading.label == INNOCENT]
    blocked = sum(bool(reading.found) for reading in innocent)
    yield Aim("false blocks", 100 * blocked / len(innocent), FALSE_BLOCKS_PERCENT, "%")
    first = [reading.first_us for reading in readings]
    yield Aim("a prompt, first reading, median", median(first), MICROSECONDS, "µs")
    yield Aim("a prompt, first reading, p99", percentile(first, 0.99), MICROSECONDS, "µs")
