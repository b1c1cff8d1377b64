"""How a run went: whether it was clean, and a table of it for people."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Protocol

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.chaos.plan import Plan
from tests.chaos.tally import Tally


class Judgement(Protocol):
    """What the auditor says of a run."""

    @property
    def clean(self) -> bool: ...
    def as_json(self) -> str: ...
    def as_table(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Settling:
    """How everything came to rest, in seconds after the last fault; None where it did not.

    `left` says what was still under way in the end.
    """

    terminal_after_s: float | None
    quiet_after_s: float | None
    left: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything that a run has shown. Units: seconds.

    `faults` counts by kind and target, `recoveries_s` are the times after which a killed process
    was there again.
    """

    plan: Plan
    faults: Mapping[tuple[str, str], int]
    missed: tuple[str, ...]
    recoveries_s: Mapping[str, list[float]]
    answers: Mapping[str, int]
    unexpected: tuple[str, ...]
    reviewed: Mapping[str, int]
    accepted: int
    settling: Settling
    probes: int
    readable: int
    strangers_let_in: bool
    tally: Tally
    audit: Judgement
    wall_s: float

    @property
    def problems(self) -> list[str]:
        """What makes this run a failure; empty for a clean one."""
        return list(self._problems())

    def _problems(self) -> Iterator[str]:
        if not self.audit.clean:
            yield "the auditor found violations"
        settling, deadline_s = self.settling, self.plan.deadline_s
        if settling.terminal_after_s is None or settling.terminal_after_s > deadline_s:
            yield f"not terminal within {deadline_s:g} s of the last fault: {settling.left}"
        elif settling.quiet_after_s is None:
            yield f"not quiet: {settling.left}"
        for answer in self.unexpected:
            yield f"unexpected answer to {answer}"
        for missed in self.missed:
            yield f"could not be done: {missed}"
        if self.strangers_let_in:
            yield "the broker lets strangers in"
        for event, count in self.tally.bugs.items():
            yield f"in the services' logs: {count} x {event}"

    def as_json(self) -> str:
        """The same for machines."""
        faults = [
            {"kind": kind, "target": target, "count": count}
            for (kind, target), count in sorted(self.faults.items())
        ]
        whole = {
            "clean": not self.problems,
            "problems": self.problems,
            "seed": self.plan.seed,
            "replay": self.plan.replay,
            "faults": faults,
            "recoveries_s": dict(self.recoveries_s),
            "answers": dict(self.answers),
            "reviewed": dict(self.reviewed),
            "accepted_pieces": self.accepted,
            "settling": asdict(self.settling),
            "probes": self.probes,
            "readable_probes": self.readable,
            "tally": asdict(self.tally),
            "audit": json.loads(self.audit.as_json()),
            "wall_s": self.wall_s,
        }
        return json.dumps(whole, indent=1)

    def show(self, console: Console) -> None:
        """Print the tables."""
        console.print(self._faults_table())
        console.print(self._figures_table())
        console.print(self.audit.as_table(), markup=False, highlight=False, soft_wrap=True)
        for problem in self.problems:
            console.print(f"[red]✗[/red] {escape(problem)}", soft_wrap=True)
        if not self.problems:
            console.print("[green]✓[/green] clean: every piece ended once, nothing leaked")
        console.print(f"seed {self.plan.seed}; again: {self.plan.replay}", highlight=False)

    def _faults_table(self) -> Table:
        table = Table(title="Faults", title_justify="left")
        table.add_column("kind")
        table.add_column("target")
        for head in ("count", "back again", "slowest"):
            table.add_column(head, justify="right")
        by_service: Counter[tuple[str, str]] = Counter()
        for (kind, target), count in self.faults.items():
            by_service[kind, target.partition(".")[0]] += count
        for (kind, target), count in sorted(by_service.items()):
            back_s = self._recoveries_of(target) if kind == "kill" else []
            slowest = f"{max(back_s):.1f} s" if back_s else ""
            table.add_row(kind, target, str(count), str(len(back_s) or ""), slowest)
        kinds = Counter(kind for kind, _ in by_service.elements())
        table.add_section()
        for kind, count in sorted(kinds.items()):
            table.add_row(kind, "all", str(count), "", "")
        return table

    def _recoveries_of(self, service: str) -> list[float]:
        return [
            after_s
            for name, all_s in self.recoveries_s.items()
            if name.partition(".")[0] == service
            for after_s in all_s
        ]

    def _figures_table(self) -> Table:
        table = Table(title="What came of it", title_justify="left", show_header=False)
        table.add_column()
        table.add_column(justify="right")
        for name, value in self._figures():
            table.add_row(name, value)
        return table

    def _figures(self) -> Iterator[tuple[str, str]]:
        counts = self.tally
        yield "pieces accepted", str(self.accepted)
        for end, count in counts.ends.items():
            yield f"  {end}", str(count)
        yield "orders posted (answers)", ", ".join(f"{n} x {a}" for a, n in self.answers.items())
        yield "held pieces reviewed", ", ".join(f"{n} {what}" for what, n in self.reviewed.items())
        yield "messages redelivered", str(counts.redelivered)
        yield "  found finished before (receipt)", str(counts.receipts)
        yield "  facts refused: somebody was first", str(counts.second_writers)
        yield "  taken up beside itself", str(counts.beside_itself)
        yield "provider asked", str(counts.asked)
        yield "  images billed", str(counts.billed)
        yield "    of these, bought again", str(counts.rebuys)
        yield "attempts with unknown end", str(counts.unknown)
        yield "pieces bought twice (bytes lost)", str(counts.bought_twice)
        yield "pieces with a later run", str(counts.later_runs)
        yield "anonymous probes", f"{self.probes} ({self.readable} readable)"
        yield "terminal after the last fault", _seconds(self.settling.terminal_after_s)
        yield "quiet after the last fault", _seconds(self.settling.quiet_after_s)
        yield "whole run", _seconds(self.wall_s)


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"
