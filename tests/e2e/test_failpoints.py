"""Every service dies once at every place where it matters; every piece still ends once."""

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.e2e.system import System
from tests.generator.worker_stub import Worker, running_worker
from tests.outages.rehearsal import PIECE_USD_MICROS, PIECES, Rehearsal, rehearsing

POINTS = ("before_effect", "after_effect", "after_puback", "after_ack")
STEPS = {
    "generator": ("image-generated-bulk",),
    "hooks": ("content-hooked",),
    "safety": ("content-moderated",),
    "storage": ("content-stored", "cleared-persisted"),
    "ledger": ("piece-persisted", "attempt-recorded", "progress-generated"),
}
OTHER_PLACES = {
    "generator": ("generator/after_call", "generator/after_staging", "generator/after_settlement"),
    "ledger": ("relay/after_puback",),
    "gateway": ("gateway/before_acceptance", "gateway/after_acceptance"),
}
PLACES = {
    service: (
        *(f"{step}/{point}" for step in STEPS.get(service, ()) for point in POINTS),
        *OTHER_PLACES.get(service, ()),
    )
    for service in (*STEPS, "gateway")
}
ALWAYS = {
    "generator": "generator/after_settlement",
    "hooks": "content-hooked/after_puback",
    "storage": "content-stored/after_ack",
    "ledger": "relay/after_puback",
    "gateway": "gateway/after_acceptance",
}
"""Money spent, captions written, files laid down, facts told, a promise given. What dies with a
message in its hands is gone for as long as the broker waits for it, so the others take longer."""


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with running_worker() as worker:
        yield worker


@pytest.fixture(scope="module")
def rehearsal(worker: Worker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    first = {service: ALWAYS.get(service, places[0]) for service, places in PLACES.items()}
    directory = tmp_path_factory.mktemp("failpoints")
    with rehearsing(directory, worker, PLACES, first) as rehearsal:
        yield rehearsal


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
