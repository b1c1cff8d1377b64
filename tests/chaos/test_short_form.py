"""The short form: a whole Atelier, a few faults of each kind, and a clean verdict."""

import io
import json
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from tests.audit import judge
from tests.chaos.evidence import FAULTS, ORDERS, PROBES, PROVIDER, RUN, read_lines
from tests.chaos.plan import short
from tests.chaos.run import run

SEED = 1
PATIENCE_S = 300.0


async def test_every_piece_ends_once_whatever_is_killed_paused_and_cut(tmp_path: Path) -> None:
    # A claim of `./dev chaos`, which has its machine to itself; here others are at work as well.
    plan = replace(short(SEED, pieces=36), deadline_s=PATIENCE_S)
    evidence = tmp_path / "evidence"
    words = io.StringIO()
    said = Console(file=words, width=100)
    outcome = await run(plan, data=tmp_path / "data", evidence=evidence, console=said, judge=judge)
    outcome.show(said)
    assert not outcome.problems, words.getvalue()
    assert outcome.accepted == plan.pieces
    assert sum(outcome.tally.ends.values()) == plan.pieces
    assert outcome.tally.ends["persisted"] > 0
    assert {kind for kind, _ in outcome.faults} == {"kill", "pause", "cut", "slow", "mute"}
    assert json.loads(outcome.as_json())["clean"] is True
    for name in (ORDERS, PROVIDER, PROBES, FAULTS):
        assert read_lines(evidence / name), name
    assert json.loads((evidence / RUN).read_text())["ended"] is not None
