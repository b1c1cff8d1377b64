"""Every service dies once at every place where it matters; every piece still ends once."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.system import System
from tests.eventually import eventually
from tests.generator.worker_stub import Worker, running_worker
from tests.outages.books import delivered, settled_s
from tests.outages.customers import customers
from tests.outages.dying import DIRECTORY, choose, mark_of, mortal_at
from tests.outages.restarts import READY_WITHIN_S, restart
from tests.outages.whole import whole_atelier

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
PIECES = 3


@dataclass
class Rehearsal:
    """A running Atelier in which one process at a time is mortal."""

    system: System
    worker: Worker
    directory: Path
    avatar: str

    async def make_mortal(self, service: str, place: str) -> None:
        """Have the service's process know the place; its successor will know the next one."""
        if (self.directory / service).read_text() != place:
            choose(self.directory, service, place)
            await restart(self.system, service)
        # The process that died in the test before may not be replaced yet.
        await eventually(lambda: mortal_at(self.directory, service) == place, READY_WITHIN_S)
        following = PLACES[service].index(place) + 1
        if following < len(PLACES[service]):
            choose(self.directory, service, PLACES[service][following])


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    directory = tmp_path_factory.mktemp("failpoints")
    places = directory / "places"
    places.mkdir()
    for service, (first, *_) in PLACES.items():
        choose(places, service, ALWAYS.get(service, first))
    with (
        running_worker() as worker,
        whole_atelier(
            directory,
            worker,
            module="tests.outages.dying_atelier",
            MODAL_TIMEOUT_SECONDS="2",
            **{DIRECTORY: str(places)},
        ) as system,
    ):
        yield Rehearsal(system, worker, places, system.avatar())


def _case(service: str, place: str) -> object:
    marks = () if place in ALWAYS.values() else pytest.mark.outage
    return pytest.param(service, place, id=place, marks=marks)


@pytest.mark.parametrize(
    ("service", "place"),
    [_case(service, place) for service, places in PLACES.items() for place in places],
)
async def test_who_dies_there_loses_nothing_and_buys_nothing_twice(
    rehearsal: Rehearsal, service: str, place: str
) -> None:
    system, worker = rehearsal.system, rehearsal.worker
    await rehearsal.make_mortal(service, place)
    mark = mark_of(rehearsal.directory, place)
    [before] = await system.rows("select count(*)::int as pieces from pieces")
    asked_before = len(worker.asked)
    mark.unlink()
    async with customers(system) as clients:
        task_id = await clients.order(rehearsal.avatar, PIECES)
    await eventually(mark.exists, 30)
    await settled_s(system, before["pieces"] + PIECES, limit_s=60)

    pieces = await system.rows("select state from pieces where task_id = $1", task_id)
    assert [row["state"] for row in pieces] == ["persisted"] * PIECES
    await _assert_paid_right(system, task_id, len(worker.asked) - asked_before)
    told = await system.rows(
        "select piece_id, fact, count(*)::int from piece_events where task_id = $1"
        " group by piece_id, fact having count(*) > 1",
        task_id,
    )
    assert not told
    keys = await system.rows("select object_key, thumbnail_key from content_pieces")
    assert delivered(system.data / "objects") == {str(key) for row in keys for key in row.values()}


async def _assert_paid_right(system: System, task_id: str, asked: int) -> None:
    """Every image is paid once; a call that nobody knows the end of is on record as such."""
    attempts = await system.rows("select * from attempts where task_id = $1", task_id)
    bought = Counter(row["piece_id"] for row in attempts if row["outcome"] == "succeeded")
    assert set(bought.values()) == {1}
    assert len(bought) == PIECES
    unknown = sum(row["outcome"] == "unknown" for row in attempts)
    assert len(attempts) == PIECES + unknown
    assert PIECES <= asked <= PIECES + unknown
    assert sum(row["cost_usd_micros"] for row in attempts) == PIECES * 10_000
