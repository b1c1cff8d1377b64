"""Orders are refused while there is no room for what they would bring."""

import pytest
from nats.js import JetStreamContext

from services.ledger.adapters.stores import OBJECTS, WatchedStores
from shared.calls import ComponentHealth, Nothing
from shared.outcomes import TryLater
from shared.problems import Problem
from shared.topology import Topology
from tests.ledger.books import Books


async def test_no_order_is_accepted_while_something_is_full(books: Books) -> None:
    books.stores.names = ("stream IMAGE_GENERATED",)
    await books.room()
    with pytest.raises(Problem) as refused:
        await books.accepted(2)
    assert (refused.value.details.status, refused.value.details.code) == (503, "no_room")
    assert "IMAGE_GENERATED" in refused.value.details.detail
    assert (await books.reports.health(Nothing())).tasks_open == 0
    books.stores.names = ()
    await books.room()
    assert len(await books.accepted(2)) == 2


async def test_what_cannot_be_looked_at_counts_as_it_was(books: Books) -> None:
    books.stores.names = (OBJECTS,)
    await books.room()
    books.stores.away = True
    with pytest.raises(TryLater):
        await books.room()
    with pytest.raises(Problem, match="no_room"):
        books.room.check()


async def test_a_stream_beyond_its_share_is_full_and_storage_speaks_for_itself(
    js: JetStreamContext, provisioned: Topology
) -> None:
    objects = ComponentHealth(status="ok")

    async def ask_storage() -> ComponentHealth:
        return objects

    stores = WatchedStores(js, provisioned, staging="staging", ask_storage=ask_storage)
    assert await stores.full() == []
    stream = f"BLOB_{provisioned.bucket('staging')}"
    await js.publish(f"blob.{provisioned.bucket('staging')}.x", b"x" * 7_000)
    known = await js.stream_info(stream)
    await js.update_stream(known.config.evolve(max_bytes=known.state.bytes * 10 // 7))
    assert await stores.full() == [f"stream {stream}"]
    objects = ComponentHealth(status="degraded", full=True)
    assert await stores.full() == [f"stream {stream}", OBJECTS]


async def test_storage_that_does_not_answer_stops_no_orders(
    js: JetStreamContext, provisioned: Topology
) -> None:
    async def ask_storage() -> ComponentHealth:
        raise TryLater("nobody answers")

    stores = WatchedStores(js, provisioned, staging="staging", ask_storage=ask_storage)
    assert await stores.full() == []


async def test_streams_that_cannot_be_seen_are_no_empty_streams(js: JetStreamContext) -> None:
    async def ask_storage() -> ComponentHealth:
        return ComponentHealth(status="ok")

    stores = WatchedStores(js, Topology("nowhere"), staging="staging", ask_storage=ask_storage)
    with pytest.raises(TryLater):
        await stores.full()
