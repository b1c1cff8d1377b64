"""A database that is away means try later, never a broken piece or a hanging call."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.local.postgres import EmbeddedPostgres
from services.ledger.adapters.database import Database, PoolLimits
from services.ledger.adapters.database_url import driver_url
from services.ledger.adapters.migrator import migrate
from services.ledger.adapters.vendor_errors import AccessRefused
from shared.calls import Nothing
from shared.outcomes import TryLater
from tests.eventually import eventually
from tests.ledger.books import Books, stored

KILL_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND application_name = 'atelier-ledger'"
)


async def test_a_connection_lost_midway_means_try_later_and_changes_nothing(books: Books) -> None:
    (piece,) = await books.accepted()

    async def lose_the_connection() -> None:
        async with books.database.write() as transaction:
            connection = transaction.connection
            await connection.exec_driver_sql("UPDATE pieces SET current_run = 9")
            transaction.facts.append(piece)
            await books.sql(KILL_OTHERS)
            await connection.exec_driver_sql("UPDATE pieces SET current_run = 10")

    with pytest.raises(TryLater):
        await lose_the_connection()
    assert (await books.piece(piece.piece_id)).piece.run == 1
    assert len(await books.waiting()) == 1


async def test_connections_that_died_in_the_pool_are_replaced(books: Books) -> None:
    (piece,) = await books.accepted()
    await asyncio.gather(*(books.piece(piece.piece_id) for _ in range(5)))
    await books.sql(KILL_OTHERS)

    async def delivered() -> bool:
        try:
            await books.endings.deliver(stored(piece))
        except TryLater:
            return False  # used a moment ago, and its end was not heard of yet
        return True

    await eventually(delivered)
    assert (await books.piece(piece.piece_id)).piece.state == "persisted"


async def test_a_busy_pool_means_try_later(dsn: str) -> None:
    limits = PoolLimits(size=1, overflow=0, wait_s=0.05)
    database = Database.at(driver_url(dsn), limits)
    async with database.write():
        with pytest.raises(TryLater, match="busy"):
            await Books(database).reports.health(Nothing())
    await database.close()


async def test_a_statement_that_takes_too_long_means_try_later(dsn: str) -> None:
    database = Database.at(driver_url(dsn), PoolLimits(statement_s=0.1))
    with pytest.raises(TryLater):
        async with database.read() as connection:
            await connection.exec_driver_sql("SELECT pg_sleep(30)")
    await database.close()


async def test_waiting_too_long_for_a_lock_means_try_later(dsn: str, books: Books) -> None:
    (piece,) = await books.accepted()
    impatient = Database.at(driver_url(dsn), PoolLimits(statement_s=0.2))
    async with books.database.write() as transaction:
        await transaction.connection.exec_driver_sql("SELECT 1 FROM pieces FOR UPDATE")
        with pytest.raises(TryLater):
            await Books(impatient).endings.deliver(stored(piece))
    await impatient.close()


async def test_a_deadlock_means_try_later(books: Books) -> None:
    await books.accepted(2)
    met = asyncio.Barrier(2)

    async def lock(first: int, second: int) -> None:
        query = 'SELECT 1 FROM pieces WHERE "index" = {} FOR UPDATE'
        async with books.database.write() as transaction:
            await transaction.connection.exec_driver_sql("SET LOCAL deadlock_timeout = '10ms'")
            await transaction.connection.exec_driver_sql(query.format(first))
            await met.wait()
            await transaction.connection.exec_driver_sql(query.format(second))

    results = await asyncio.gather(lock(0, 1), lock(1, 0), return_exceptions=True)
    assert sorted(type(each).__name__ for each in results) == ["NoneType", "TryLater"]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedPostgres]:
    """A server of our own, to be killed."""
    async with EmbeddedPostgres(tmp_path / "postgres", settings={"fsync": "off"}) as postgres:
        yield postgres


async def test_a_server_that_was_killed_is_used_again_when_it_is_back(
    server: EmbeddedPostgres,
) -> None:
    database = Database.at(driver_url(server.dsn()))
    await migrate(database.engine)
    books = Books(database)
    (piece,) = await books.accepted()
    await server.kill()
    with pytest.raises(TryLater):
        await books.endings.deliver(stored(piece))
    with pytest.raises(TryLater):
        await books.task(piece.task_id)
    await server.start()
    await books.endings.deliver(stored(piece))
    assert (await books.piece(piece.piece_id)).piece.state == "persisted"
    await database.close()


async def test_a_database_that_does_not_exist_lets_nobody_in(
    postgres_server: EmbeddedPostgres,
) -> None:
    database = Database.at(driver_url(postgres_server.dsn("nowhere")))
    with pytest.raises(AccessRefused, match="nowhere"):
        await migrate(database.engine)
    await database.close()
