"""Every service dies once at every place where it matters; every piece still ends once."""

from collections import Counter

import pytest

from tests.e2e.mortal.places import ALWAYS, PLACES
from tests.e2e.system import System
from tests.generator.worker_stub import Worker
from tests.outages.rehearsal import PIECE_USD_MICROS, PIECES, Rehearsal


def _case(service: str, place: str) -> object:
    marks = () if place in ALWAYS.values() else pytest.mark.outage
    return pytest.param(service, place, id=place, marks=marks)


@pytest.mark.parametrize(
    ("service", "place"),
    [_case(service, place) for service, places in PLACES.items() for place in places],
)
async def test_who_dies_there_loses_nothing_and_buys_nothing_twice(
    rehearsal: Rehearsal, worker: Worker, service: str, place: str
) -> None:
    asked_before = len(worker.asked)
    task_id = await rehearsal.dies_at(service, place)
    await rehearsal.assert_all_delivered_once(task_id)
    await _assert_paid_right(rehearsal.system, task_id, len(worker.asked) - asked_before)


async def _assert_paid_right(system: System, task_id: str, asked: int) -> None:
    """Every image is paid once; a call that nobody knows the end of is on record as such."""
    attempts = await system.rows("select * from attempts where task_id = $1", task_id)
    bought = Counter(row["piece_id"] for row in attempts if row["outcome"] == "succeeded")
    assert set(bought.values()) == {1}
    assert len(bought) == PIECES
    unknown = sum(row["outcome"] == "unknown" for row in attempts)
    assert len(attempts) == PIECES + unknown
    assert PIECES <= asked <= PIECES + unknown
    assert sum(row["cost_usd_micros"] for row in attempts) == PIECES * PIECE_USD_MICROS
