"""Bugs are planted one at a time, and the auditor names what each breaks; without, it is silent."""

from pathlib import Path

import pytest

from tests.audit import Report, judge
from tests.audit.planted.bug import PAID, Bug
from tests.audit.planted.bugs import ALWAYS_TRIED, BUGS
from tests.audit.planted.copies import SOONER, Patch
from tests.audit.planted.scenarios import (
    LIMIT_S,
    Scenario,
    broker_killed,
    everything,
    no_room_for_captions,
    one_order,
)
from tests.audit.planted.small_run import PIECES, small_run
from tests.e2e.system import ROOT

FUTILE_WAIT_S = 8.0
"""Longer than a sound copy takes, redelivery included; bugs may keep a piece from ever ending."""
PATIENCE_S = 3.0
PATIENCE_AFTER_A_KILL_S = 10.0

CLEAN = {
    "a stream is full for a while": Scenario(no_room_for_captions),
    "one thing after the other": Scenario(everything),
    "paid": PAID,
    "paid, with a broker that is killed": Scenario(broker_killed, paid=True),
    "killed before captions": Scenario(one_order, failpoint="content-hooked/before_effect"),
    "killed after a settlement": Scenario(
        one_order, paid=True, failpoint="generator/after_settlement"
    ),
    "killed after booking": Scenario(
        one_order, paid=True, failpoint="attempt-recorded/after_effect"
    ),
}


def planted_unless(is_quick: bool) -> tuple[pytest.MarkDecorator, ...]:
    return () if is_quick else (pytest.mark.planted,)


async def judged(
    directory: Path,
    scenario: Scenario,
    patches: tuple[Patch, ...],
    *,
    wait_s: float,
    patience_s: float,
) -> Report:
    with small_run(directory, patches, paid=scenario.paid, failpoint=scenario.failpoint) as run:
        await scenario.disturb(run)
        await run.ended(wait_s)
        assert scenario.failpoint is None or (directory / "reached").exists()
        run.notes.frame(run.system.data, pieces=PIECES)
        return await judge(run.notes.directory, patience_s=patience_s)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_bug_can_still_be_planted_in_the_product_as_it_reads(bug: Bug) -> None:
    texts = {patch.file: (ROOT / patch.file).read_text() for patch in (SOONER, *bug.patches)}
    for patch in (SOONER, *bug.patches):
        texts[patch.file] = patch.applied(texts[patch.file])
    for file, text in texts.items():
        compile(text, file, "exec")


@pytest.mark.parametrize(
    "bug",
    [pytest.param(bug, id=bug.name, marks=planted_unless(bug in ALWAYS_TRIED)) for bug in BUGS],
)
async def test_the_auditor_names_what_a_planted_bug_breaks(bug: Bug, tmp_path: Path) -> None:
    patience_s = PATIENCE_AFTER_A_KILL_S if bug.scenario.failpoint else PATIENCE_S
    report = await judged(
        tmp_path, bug.scenario, bug.patches, wait_s=FUTILE_WAIT_S, patience_s=patience_s
    )
    named = {each.code for each in report.violations if each.invariant == bug.breaks}
    assert named & set(bug.codes), report.as_table()


@pytest.mark.parametrize(
    "scenario",
    [
        # On demand: the chaos of every run has its whole evidence judged, and found clean.
        pytest.param(scenario, id=name, marks=pytest.mark.planted)
        for name, scenario in CLEAN.items()
    ],
)
async def test_the_auditor_finds_nothing_in_the_product_as_it_is(
    scenario: Scenario, tmp_path: Path
) -> None:
    report = await judged(tmp_path, scenario, (), wait_s=LIMIT_S, patience_s=15)
    assert report.clean, report.as_table()
    assert all(finding.checked for finding in report.findings), report.as_table()
