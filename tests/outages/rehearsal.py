"""A whole Atelier whose processes die where a test wants it, and what must be so afterwards."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.system import System
from tests.eventually import eventually
from tests.generator.worker_stub import Worker
from tests.outages.books import delivered, settled_s
from tests.outages.customers import customers
from tests.outages.dying import DIRECTORY, choose, mark_of, mortal_at
from tests.outages.restarts import READY_WITHIN_S, restart
from tests.outages.whole import whole_atelier

PIECES = 3
PIECE_USD_MICROS = 10_000

Places = Mapping[str, Sequence[str]]
"""Where each service can die."""


@dataclass
class Rehearsal:
    """A running Atelier in which one process at a time is mortal."""

    system: System
    directory: Path
    places: Places
    avatar: str

    async def make_mortal(self, service: str, place: str) -> None:
        """Have the service's process know the place; its successor will know the next one."""
        if (self.directory / service).read_text() != place:
            choose(self.directory, service, place)
            await restart(self.system, service)
        # The process that died in the test before may not be replaced yet.
        await eventually(lambda: mortal_at(self.directory, service) == place, READY_WITHIN_S)
        following = self.places[service].index(place) + 1
        if following < len(self.places[service]):
            choose(self.directory, service, self.places[service][following])

    async def dies_at(self, service: str, place: str) -> str:
        """Order pieces of which one meets a death there, and wait for all ends; the task's id."""
        await self.make_mortal(service, place)
        mark = mark_of(self.directory, place)
        [before] = await self.system.rows("select count(*)::int as pieces from pieces")
        mark.unlink()
        async with customers(self.system) as clients:
            task_id = await clients.order(self.avatar, PIECES)
        await eventually(mark.exists, 60)
        await settled_s(self.system, before["pieces"] + PIECES, limit_s=60)
        return task_id

    async def assert_all_delivered_once(self, task_id: str) -> None:
        """Every piece of the task is persisted, told once, and its files are there."""
        pieces = await self.system.rows("select state from pieces where task_id = $1", task_id)
        assert [row["state"] for row in pieces] == ["persisted"] * PIECES
        told = await self.system.rows(
            "select piece_id, fact, count(*)::int from piece_events where task_id = $1"
            " group by piece_id, fact having count(*) > 1",
            task_id,
        )
        assert not told
        keys = await self.system.rows("select object_key, thumbnail_key from content_pieces")
        assert delivered(self.system.data / "objects") == {
            str(key) for row in keys for key in row.values()
        }


@contextmanager
def rehearsing(
    directory: Path, worker: Worker, places: Places, first: Mapping[str, str], **settings: str
) -> Iterator[Rehearsal]:
    """Start an Atelier mortal at `first`, a place for each service, and stop it at the end."""
    chosen = directory / "places"
    chosen.mkdir()
    for service, place in first.items():
        choose(chosen, service, place)
    with whole_atelier(
        directory,
        worker,
        module="tests.outages.dying_atelier",
        **{DIRECTORY: str(chosen)},
        **settings,
    ) as system:
        yield Rehearsal(system, chosen, places, system.avatar())
