"""The tables: migrated as declared, and refusing what must never be."""

from typing import Any

import asyncpg
import pytest
from sqlalchemy.exc import IntegrityError

from deploy.local.postgres import EmbeddedPostgres
from services.ledger.adapters.database import Database
from services.ledger.adapters.database_url import driver_url
from services.ledger.adapters.migrator import is_current, migrate
from services.ledger.adapters.schema import metadata
from tests.builders import SHA256
from tests.ledger.books import Books, stored
from tests.ledger.conftest import run_sql

SHAPE = """
SELECT 'column' AS kind, table_name || '.' || column_name AS name,
       concat_ws(' ', ordinal_position, data_type, is_nullable, column_default, is_identity) AS def
FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL
SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL
SELECT 'comment', c.relname || '.' || objsubid, description
FROM pg_description d JOIN pg_class c ON c.oid = d.objoid
WHERE c.relnamespace = 'public'::regnamespace
"""


async def shape(dsn: str) -> set[tuple[str, str, str]]:
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(SHAPE)
    finally:
        await connection.close()
    return {tuple(row) for row in rows if "alembic" not in row["name"]}


async def test_migrations_lead_to_the_declared_tables(
    postgres_server: EmbeddedPostgres, dsn: str
) -> None:
    await run_sql(postgres_server, "CREATE DATABASE declared")
    database = Database.at(driver_url(postgres_server.dsn("declared")))
    async with database.engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    await database.close()
    assert await shape(postgres_server.dsn("declared")) == await shape(dsn)


async def test_migrating_twice_changes_nothing(database: Database) -> None:
    assert await migrate(database.engine) == await migrate(database.engine)
    assert await is_current(database.engine)


async def test_a_database_without_tables_is_not_current(postgres_server: EmbeddedPostgres) -> None:
    database = Database.at(driver_url(postgres_server.dsn("postgres")))
    assert not await is_current(database.engine)
    await database.close()


async def test_every_documented_index_is_there(books: Books) -> None:
    rows = await books.sql("SELECT indexdef FROM pg_indexes WHERE tablename = 'content_pieces'")
    columns = {row.indexdef.rpartition(" USING btree ")[2] for row in rows}
    assert {
        "(avatar_id)",
        "(access_tier)",
        "(safety_rating)",
        "(created_at)",
        "(avatar_id, created_at)",
    } <= columns


CONTENT = """
INSERT INTO content_pieces (id, tenant, avatar_id, task_id, url, object_key, thumbnail_key, public,
    uploaded, access_tier, template_id, safety_rating, explicitness_level, image_hash,
    source_sha256, verdict_decision, verdict_sha256)
SELECT id, tenant, avatar_id, task_id, :url, 'k', 't', true, true, :tier, :template, 'safe', :level,
    :sha, :sha, :decision, :verdict
FROM pieces WHERE id = :id
"""
PERSISTED = (
    "UPDATE pieces SET state = 'persisted', content_id = id, ended_at = now() WHERE id = :id"
)


def content(piece_id: str, **overrides: Any) -> dict[str, Any]:
    usual = {
        "id": piece_id,
        "url": "http://localhost/k",
        "tier": "capa1",
        "template": None,
        "level": 1,
        "sha": SHA256,
        "decision": "approved",
        "verdict": SHA256,
    }
    return usual | overrides


FORBIDDEN: tuple[tuple[str, dict[str, Any]], ...] = (
    ("verdict_names_source", {"verdict": "0" * 64}),
    ("verdict_allows", {"decision": "rejected"}),
    ("verdict_allows", {"decision": "review"}),
    ("skip_is_allowed", {"decision": "skipped"}),
    ("skip_is_allowed", {"decision": "skipped", "template": "t-1", "tier": "capa2"}),
    ("explicitness_level", {"level": 0}),
    ("explicitness_level", {"level": 11}),
    ("access_tier", {"tier": "capa4"}),
    ("url_is_no_data", {"url": "data:image/png;base64,AAAA"}),
    ("verdict_sha256", {"verdict": None}),
    ("verdict_decision", {"decision": None}),
    ("url", {"url": None}),
)


async def test_the_database_refuses_content_without_a_verdict_that_allows_it(books: Books) -> None:
    (piece,) = await books.accepted()
    for constraint, wrong in FORBIDDEN:
        with pytest.raises(IntegrityError, match=constraint):
            await books.sql(CONTENT, **content(piece.piece_id, **wrong))
    await books.sql(CONTENT, **content(piece.piece_id))


async def test_the_database_takes_a_recorded_and_allowed_skip(books: Books) -> None:
    (piece,) = await books.accepted()
    skip = content(piece.piece_id, decision="skipped", template="t-1")
    await books.sql(CONTENT, **skip)
    await books.sql(PERSISTED, id=piece.piece_id)
    assert (await books.piece(piece.piece_id)).piece.state == "persisted"


async def test_the_database_refuses_persisted_without_content(books: Books) -> None:
    (piece,) = await books.accepted()
    with pytest.raises(IntegrityError, match="fk_pieces_content_id"):
        await books.sql(PERSISTED, id=piece.piece_id)
    with pytest.raises(IntegrityError, match="persisted_content"):
        await books.sql(
            "UPDATE pieces SET state = 'persisted', ended_at = now() WHERE id = :id",
            id=piece.piece_id,
        )


async def test_the_database_refuses_to_borrow_the_content_of_another_piece(books: Books) -> None:
    lender, borrower = await books.accepted(2)
    await books.endings.deliver(stored(lender))
    with pytest.raises(IntegrityError, match="own_content"):
        await books.sql(
            "UPDATE pieces SET state = 'persisted', content_id = :other, ended_at = now()"
            " WHERE id = :id",
            id=borrower.piece_id,
            other=lender.piece_id,
        )


async def test_the_database_refuses_to_change_a_verdict_behind_persisted_content(
    books: Books,
) -> None:
    (piece,) = await books.accepted()
    await books.endings.deliver(stored(piece))
    with pytest.raises(IntegrityError, match="verdict_names_source"):
        await books.sql("UPDATE content_pieces SET source_sha256 = repeat('0', 64)")
    with pytest.raises(IntegrityError, match="fk_pieces_content_id"):
        await books.sql("DELETE FROM content_pieces")


async def test_the_database_refuses_a_second_open_attempt_of_a_piece(books: Books) -> None:
    (piece,) = await books.accepted()
    await books.open_attempt(piece)
    with pytest.raises(IntegrityError, match="one_open_per_piece"):
        await books.sql(
            "INSERT INTO attempts (attempt_id, number, tenant, task_id, piece_id, run, provider,"
            " holder, lease_until) SELECT 'other', 2, tenant, task_id, piece_id, run, provider,"
            " holder, lease_until FROM attempts"
        )
