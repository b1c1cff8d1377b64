"""A world in which all is well is found clean by every invariant, and none looks away."""

from dataclasses import replace

import pytest

from tests.audit.judging import INVARIANTS, report_on
from tests.audit.spoiling import with_streams
from tests.audit.world import World
from tests.audit.worlds import sound_world


def test_a_sound_world_is_clean() -> None:
    report = report_on(sound_world())
    assert report.clean, report.as_table()
    assert all(finding.checked for finding in report.findings)


def test_the_invariants_are_those_that_were_promised() -> None:
    assert [each.NAME for each in INVARIANTS] == ["I1", "I2", "I3", "I4", "I5", "I6"]


def test_figures_count_what_breaks_nothing() -> None:
    figures = report_on(sound_world()).figures
    assert figures["pieces"] == 4
    assert figures["unknown"] == 1
    assert figures["rebuys"] == 1


def test_facts_that_went_with_the_brokers_store_are_not_missed() -> None:
    world = with_streams(sound_world(), facts=())
    assert not report_on(world).clean
    assert report_on(replace(world, facts_lost=True)).clean


@pytest.mark.parametrize("world", [World(evidence=sound_world().evidence)])
def test_an_empty_world_does_not_pass_for_one_that_kept_its_promises(world: World) -> None:
    assert {"I1", "I2", "I6"} <= report_on(world).broken
