"""The outbox: what was committed is published, whatever happens in between."""

import asyncio

import pytest

from services.ledger.adapters.database import Database
from services.ledger.adapters.outbox import PostgresOutbox
from services.ledger.handler.relay import ForgetPublished, RelayFresh, RelayLeft
from shared import wire
from shared.events import Fact
from shared.outcomes import TryLater
from tests.eventually import eventually
from tests.ledger.books import Books
from tests.ledger.facts import FactsInMemory


@pytest.fixture
def facts() -> FactsInMemory:
    return FactsInMemory()


async def test_everything_is_published_oldest_first_and_forgotten(
    books: Books, facts: FactsInMemory
) -> None:
    pieces = await books.accepted(450)
    await RelayLeft(books.outbox, facts)()
    assert facts.written == [wire.event_id(piece) for piece in pieces]
    assert await books.waiting() == []


async def test_what_the_broker_refuses_stays_and_the_rest_goes(
    books: Books, facts: FactsInMemory
) -> None:
    first, second, third = await books.accepted(3)
    facts.refused = {wire.event_id(second)}
    with pytest.raises(TryLater, match="1 facts not published"):
        await RelayLeft(books.outbox, facts)()
    assert await books.waiting() == [second]
    facts.refused = set()
    await RelayLeft(books.outbox, facts)()
    assert facts.written == [wire.event_id(fact) for fact in (first, third, second)]


async def test_two_relays_at_once_share_the_work(books: Books, facts: FactsInMemory) -> None:
    pieces = await books.accepted(400)
    facts.gate.clear()
    relay = RelayLeft(books.outbox, facts)
    working = asyncio.gather(relay(), relay())
    await asyncio.sleep(0.1)
    facts.gate.set()
    await working
    assert sorted(facts.written) == sorted(wire.event_id(piece) for piece in pieces)


async def test_a_relay_that_dies_before_its_commit_publishes_again(
    books: Books, facts: FactsInMemory
) -> None:
    (piece,) = await books.accepted()

    async def write_and_die(fact: Fact) -> None:
        await facts.write(fact)
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await books.outbox.publish_some(write_and_die)
    assert await books.waiting() == [piece]
    await RelayLeft(books.outbox, facts)()
    assert facts.written == [wire.event_id(piece)] * 2


async def test_a_row_nobody_can_read_stays_and_holds_nobody_up(
    books: Books, facts: FactsInMemory
) -> None:
    (piece,) = await books.accepted()
    await books.sql(
        "INSERT INTO outbox (id, fact, body) OVERRIDING SYSTEM VALUE VALUES (0, 'odd', '{}')"
    )
    with pytest.raises(TryLater):
        await RelayLeft(books.outbox, facts)()
    assert facts.written == [wire.event_id(piece)]
    assert len(await books.sql("SELECT 1 FROM outbox")) == 1


async def test_facts_of_a_transaction_that_fails_are_never_seen(
    books: Books, database: Database
) -> None:
    (piece,) = await books.accepted()
    database.outbox_filled.clear()

    async def fail() -> None:
        async with database.write() as transaction:
            transaction.facts.append(piece)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await books.waiting() == [piece]
    assert not database.outbox_filled.is_set()


async def test_rows_are_free_again_when_a_relay_breaks_off(
    books: Books, facts: FactsInMemory
) -> None:
    await books.accepted(3)
    facts.gate.clear()
    stuck = asyncio.create_task(RelayLeft(books.outbox, facts)())
    await eventually(lambda: books.database.in_use == 1)
    stuck.cancel()
    await asyncio.gather(stuck, return_exceptions=True)
    facts.gate.set()
    await RelayLeft(books.outbox, facts)()
    assert len(facts.written) == 3


async def test_what_was_committed_here_is_published_without_a_look_into_the_table(
    books: Books, facts: FactsInMemory
) -> None:
    pieces = await books.accepted(450)
    await RelayFresh(books.outbox, facts)()
    assert facts.written == [wire.event_id(piece) for piece in pieces]
    await RelayFresh(books.outbox, facts)()
    assert len(facts.written) == 450


async def test_what_was_published_is_forgotten_later_all_at_once(
    books: Books, facts: FactsInMemory
) -> None:
    for _ in range(2):
        await books.accepted(3)
        await RelayFresh(books.outbox, facts)()
    assert len(await books.waiting()) == 6
    await ForgetPublished(books.outbox)()
    assert await books.waiting() == []


async def test_a_crash_before_it_is_forgotten_publishes_again_without_harm(
    books: Books, database: Database, facts: FactsInMemory
) -> None:
    (piece,) = await books.accepted()
    await RelayFresh(books.outbox, facts)()
    after_the_crash = PostgresOutbox(database)
    await ForgetPublished(after_the_crash)()
    assert await books.waiting() == [piece]
    await RelayLeft(after_the_crash, facts)()
    assert facts.written == [wire.event_id(piece)] * 2
    assert await books.waiting() == []


async def test_what_cannot_be_published_at_once_is_found_in_the_table_later(
    books: Books, facts: FactsInMemory
) -> None:
    first, second, third = await books.accepted(3)
    facts.refused = {wire.event_id(second)}
    await RelayFresh(books.outbox, facts)()
    await ForgetPublished(books.outbox)()
    assert await books.waiting() == [second]
    facts.refused = set()
    await RelayFresh(books.outbox, facts)()
    assert await books.waiting() == [second]
    await RelayLeft(books.outbox, facts)()
    assert facts.written == [wire.event_id(fact) for fact in (first, third, second)]


async def test_what_somebody_is_about_to_publish_is_left_alone(
    books: Books, facts: FactsInMemory
) -> None:
    await books.accepted(2)
    await RelayLeft(books.outbox, facts, older_than_s=30)()
    assert facts.written == []
    await books.sql("UPDATE outbox SET created_at = created_at - interval '31 seconds'")
    await RelayLeft(books.outbox, facts, older_than_s=30)()
    assert len(facts.written) == 2
