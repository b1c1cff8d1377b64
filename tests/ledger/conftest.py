"""A migrated database without rows for every test."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.postgres import EmbeddedPostgres
from services.ledger.adapters.database import Database, PoolLimits, open_engine
from services.ledger.adapters.database_url import driver_url
from services.ledger.adapters.migrator import migrate
from tests.ledger.books import Books
from tests.ledger.tables import Tables

LIMITS = PoolLimits(wait_s=10)


async def run_sql(server: EmbeddedPostgres, *statements: str) -> None:
    connection = await asyncpg.connect(server.dsn("postgres"))
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def template(postgres_server: EmbeddedPostgres) -> str:
    """A database with all tables and no rows."""
    # Other directories borrow these fixtures, and each has a template of its own.
    name = f"template_{uuid4().hex[:12]}"

    async def make() -> None:
        await run_sql(postgres_server, f"CREATE DATABASE {name}")
        database = Database.at(driver_url(postgres_server.dsn(name)))
        await migrate(database.engine)
        await database.close()

    asyncio.run(make())
    return name


@pytest.fixture(scope="session")
def tables(postgres_server: EmbeddedPostgres, template: str) -> Iterator[Tables]:
    """A database that tests use one after another: to make one takes longer than most of them."""
    name = f"t{uuid4().hex[:12]}"
    asyncio.run(run_sql(postgres_server, f"CREATE DATABASE {name} TEMPLATE {template}"))
    with Tables.of(postgres_server.dsn(name)) as tables:
        yield tables


@pytest.fixture
def dsn(tables: Tables) -> Iterator[str]:
    """The address of a database without rows, this test's own while it runs."""
    yield tables.dsn
    tables.empty()


@pytest.fixture(scope="session")
def engine(tables: Tables) -> AsyncEngine:
    """What a pool is made of. It keeps no connection, but how each statement is said in SQL."""
    return open_engine(driver_url(tables.dsn), LIMITS)


@pytest.fixture
async def database(dsn: str, engine: AsyncEngine) -> AsyncIterator[Database]:
    """A pool on it, as a ledger process has."""
    assert dsn
    pool = Database(engine, LIMITS)
    yield pool
    await pool.close()


@pytest.fixture
def books(database: Database) -> Books:
    """The books of one ledger process."""
    return Books(database)
