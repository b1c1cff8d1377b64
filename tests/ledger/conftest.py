"""A migrated database for every test, cloned from a template."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest

from deploy.local.postgres import EmbeddedPostgres
from services.ledger.adapters.database import Database, PoolLimits
from services.ledger.adapters.database_url import driver_url
from services.ledger.adapters.migrator import migrate
from tests.ledger.books import Books


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


@pytest.fixture
async def dsn(postgres_server: EmbeddedPostgres, template: str) -> AsyncIterator[str]:
    """The address of this test's own database."""
    name = f"t{uuid4().hex[:12]}"
    await run_sql(postgres_server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    yield postgres_server.dsn(name)
    await run_sql(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    """A pool on it, as a ledger process has."""
    pool = Database.at(driver_url(dsn), PoolLimits(wait_s=10))
    yield pool
    await pool.close()


@pytest.fixture
def books(database: Database) -> Books:
    """The books of one ledger process."""
    return Books(database)
