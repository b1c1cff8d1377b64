"""What a run amounted to: read from the books and the services' own logs, after it is over."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chaos.endpoint import Endpoint
from tests.chaos.evidence import PROVIDER, read_lines

_SETTLED = "stage.settled"
BUGS = (
    *("stage.bug", "stage.dead_letter", "rpc.failed", "rounds.failed", "pull.not_settled"),
    *("problem.undocumented", "broker.closed_for_good"),
)
"""What the services log when something happens that nobody foresaw."""

_BOOKS = """
    SELECT
      (SELECT count(*) FROM pieces) AS pieces,
      (SELECT count(*) FROM pieces WHERE current_run > 1) AS later_runs,
      (SELECT count(*) FROM attempts) AS attempts,
      (SELECT count(*) FROM attempts WHERE outcome = 'unknown') AS unknown,
      (SELECT count(*) FROM (SELECT piece_id FROM attempts WHERE outcome = 'succeeded'
        GROUP BY piece_id HAVING count(*) > 1) AS twice) AS bought_twice
"""
_ENDS = """
    SELECT concat_ws(': ', state, nullif(reason, state)) AS ending, count(*) AS n
    FROM pieces GROUP BY 1 ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of one run.

    `redelivered`: messages taken up again. `receipts`: of these, found to be finished already.
    `second_writers`: facts that the broker refused because somebody had been first. `rebuys`:
    images that were paid for after the answer with an earlier one had got lost.
    """

    ends: dict[str, int]
    pieces: int
    later_runs: int
    attempts: int
    unknown: int
    bought_twice: int
    redelivered: int
    receipts: int
    second_writers: int
    beside_itself: int
    bugs: dict[str, int]
    asked: int
    billed: int
    rebuys: int
    manners: dict[str, int]


async def tally(endpoint: Endpoint, *, logs: Path, evidence: Path) -> Tally:
    """Count everything."""
    books = await endpoint.row(_BOOKS)
    ends = {row["ending"]: row["n"] for row in await endpoint.rows(_ENDS)}
    said = count_logs(logs)
    provider = read_lines(evidence / PROVIDER)
    asked = [line for line in provider if line["event"] == "asked"]
    billed = Counter(line["request"]["prompt"] for line in provider if line["billed"])
    return Tally(
        ends=ends,
        pieces=books["pieces"],
        later_runs=books["later_runs"],
        attempts=books["attempts"],
        unknown=books["unknown"],
        bought_twice=books["bought_twice"],
        redelivered=said["redelivered"],
        receipts=said["finished_before"],
        second_writers=said["somebody_was_first"],
        beside_itself=said["already_running"],
        bugs={event: said[event] for event in BUGS if said[event]},
        asked=len(asked),
        billed=billed.total(),
        rebuys=billed.total() - len(billed),
        manners=dict(sorted(Counter(line["manner"] for line in asked).items())),
    )


def count_logs(logs: Path) -> Counter[str]:
    """How often each outcome of a stage, and each bug, stands in the services' logs."""
    counts: Counter[str] = Counter()
    for entry in _entries(logs):
        event = str(entry.get("event"))
        counts[event] += 1
        if event == _SETTLED:
            counts[str(entry.get("outcome"))] += 1
            counts["redelivered"] += int(entry.get("deliveries", 1)) > 1
    return counts


def _entries(logs: Path) -> Iterator[dict[str, Any]]:
    for file in sorted(logs.glob("*.log*")):
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            _, found, rest = line.partition(" | ")
            if not found or not rest.startswith("{"):
                continue
            try:
                entry = json.loads(rest)
            except ValueError:
                continue  # cut short by a kill
            if isinstance(entry, dict):
                yield entry
