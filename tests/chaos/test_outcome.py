"""A run is clean only if nothing at all is wrong, and says so to people and machines."""

import io
import json
from dataclasses import dataclass, replace

import pytest
from rich.console import Console

from tests.chaos.outcome import Outcome, Settling
from tests.chaos.plan import full
from tests.chaos.tally import Tally


@dataclass(frozen=True)
class Verdict:
    clean: bool

    def as_json(self) -> str:
        return json.dumps({"clean": self.clean})

    def as_table(self) -> str:
        return "I1 [every piece] ends once"


TALLY = Tally(
    ends={"persisted": 3},
    pieces=3,
    later_runs=0,
    attempts=4,
    unknown=1,
    bought_twice=0,
    redelivered=2,
    receipts=1,
    second_writers=1,
    beside_itself=0,
    bugs={},
    asked=4,
    billed=4,
    rebuys=1,
    manners={"good": 4},
)
CLEAN = Outcome(
    plan=full(7),
    faults={("kill", "hooks.1"): 2, ("kill", "hooks.2"): 1, ("cut", "nats"): 1},
    missed=(),
    recoveries_s={"hooks.1": [0.2, 0.4], "hooks.2": [0.3]},
    answers={"202": 3},
    unexpected=(),
    reviewed={"approved": 1},
    accepted=3,
    settling=Settling(4.0, 5.0, ""),
    probes=10,
    readable=1,
    strangers_let_in=False,
    tally=TALLY,
    audit=Verdict(clean=True),
    wall_s=60.0,
)
WRONG = {
    "violations": replace(CLEAN, audit=Verdict(clean=False)),
    "not terminal": replace(CLEAN, settling=Settling(None, None, "3 pieces")),
    "within 60 s": replace(CLEAN, settling=Settling(60.5, 61.0, "")),
    "not quiet": replace(CLEAN, settling=Settling(4.0, None, "outbox=2")),
    "unexpected answer": replace(CLEAN, unexpected=("/content/batch k: 500",)),
    "could not be done": replace(CLEAN, missed=("kill nats",)),
    "lets strangers in": replace(CLEAN, strangers_let_in=True),
    "1 x stage.bug": replace(CLEAN, tally=replace(TALLY, bugs={"stage.bug": 1})),
}


def shown(outcome: Outcome) -> str:
    words = io.StringIO()
    outcome.show(Console(file=words, width=200))
    return words.getvalue()


def test_a_clean_run_says_so_and_how_to_repeat_it() -> None:
    assert not CLEAN.problems
    assert "clean: every piece ended once" in shown(CLEAN)
    assert CLEAN.plan.replay in shown(CLEAN)
    assert "I1 [every piece] ends once" in shown(CLEAN)


@pytest.mark.parametrize(("words", "outcome"), WRONG.items())
def test_anything_wrong_makes_a_failure_and_is_named(words: str, outcome: Outcome) -> None:
    assert len(outcome.problems) == 1
    assert words in outcome.problems[0]
    assert words in shown(outcome)
    assert json.loads(outcome.as_json())["clean"] is False


def test_replicas_are_counted_together() -> None:
    (row,) = [line for line in shown(CLEAN).splitlines() if "hooks" in line]
    assert [part.strip() for part in row.split("│")[1:-1]] == ["kill", "hooks", "3", "3", "0.4 s"]


def test_machines_get_everything() -> None:
    told = json.loads(CLEAN.as_json())
    assert told["seed"] == 7
    assert told["tally"]["rebuys"] == 1
    assert told["settling"]["terminal_after_s"] == 4.0
    assert {"kind": "kill", "target": "hooks.1", "count": 2} in told["faults"]
