"""A database of the first release goes on working when it is migrated."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from deploy.local.postgres import EmbeddedPostgres
from services.ledger import migrations
from services.ledger.adapters.database import Database
from services.ledger.adapters.database_url import driver_url
from services.ledger.adapters.migrator import is_current, migrate
from shared.calls import (
    ALL_SCOPES,
    AvatarRef,
    FindKey,
    ListReviews,
    OrderKey,
    RateLimit,
    TaskState,
)
from shared.events import ContentRequested
from tests.builders import blob, brief, content_requested, generation, verdict
from tests.ledger.books import TENANT, Books, accept_task, stored
from tests.ledger.captioning import ask
from tests.ledger.conftest import run_sql
from tests.ledger.reviewing import WAITING, decision

KEY = "INSERT INTO api_keys (key_id, tenant, name, secret_sha256) VALUES (:id, 't', 'ci', :sha)"
AVATAR = (
    "INSERT INTO avatars (id, tenant, name, stage, lora_weights_url)"
    " VALUES (:id, :tenant, 'Ada', 'ready', 'loras/a')"
)
TASK = (
    "INSERT INTO tasks"
    " (id, tenant, avatar_id, kind, lane, platform, config, total, accepted_at, deadline_at)"
    " VALUES (:task, :tenant, :avatar, 'single', 'bulk', 'instagram', '{}', 1, :now, :deadline)"
)
PIECE = (
    "INSERT INTO pieces (id, tenant, task_id, avatar_id, index, brief, deadline_at)"
    " VALUES (:piece, :tenant, :task, :avatar, 0, CAST(:brief AS jsonb), :deadline)"
)
ATTEMPT = (
    "INSERT INTO attempts (attempt_id, number, tenant, task_id, piece_id, run, provider, holder,"
    " outcome, cost_usd_micros, lease_until, settled_at, image, generation)"
    " SELECT 'a-1', 1, tenant, task_id, id, 1, 'preview', 'h', 'succeeded', 7, now(), now(),"
    " CAST(:image AS jsonb), CAST(:generation AS jsonb) FROM pieces WHERE id = :piece"
)
HELD = (
    "UPDATE pieces SET state = 'pending_review', held = CAST(:held AS jsonb),"
    " reason = 'pending_review', verdict_decision = 'review', verdict_tier = 'capa1',"
    " verdict_reason = 'nobody could score it' WHERE id = :piece"
)


def upgrade_to(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


@pytest.fixture
async def old(postgres_server: EmbeddedPostgres) -> AsyncIterator[Books]:
    """The books on a database as the first release left it."""
    name = f"t{uuid4().hex[:12]}"
    await run_sql(postgres_server, f"CREATE DATABASE {name}")
    database = Database.at(driver_url(postgres_server.dsn(name)))
    async with database.engine.begin() as connection:
        await connection.run_sync(upgrade_to, "0001")
    yield Books(database)
    await database.close()
    await run_sql(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


async def test_rows_of_the_first_release_go_on_working(old: Books) -> None:
    piece = await write_rows(old)
    assert not await is_current(old.database.engine)
    await migrate(old.database.engine)
    assert await is_current(old.database.engine)

    key = await old.keys.find(FindKey(key_id="k1"))
    assert (key.scopes, key.limit, key.expires_at) == (ALL_SCOPES, RateLimit(), None)
    await old.endings.deliver(stored(piece))
    assert (await old.task(piece.task_id)).state is TaskState.COMPLETED
    avatar = await old.avatars.get(AvatarRef(tenant=TENANT, avatar_id=piece.brief.avatar_id))
    assert avatar.stage == "ready"


async def test_a_task_from_before_there_were_order_keys_is_shown_to_who_asks_again(
    old: Books,
) -> None:
    piece = await write_rows(old)
    await migrate(old.database.engine)
    again = accept_task(
        piece.brief.avatar_id,
        task_id=piece.task_id,
        order_key=OrderKey(key="k", body_sha256="a" * 64),
    )
    assert (await old.accept_task(again)).task_id == piece.task_id


async def test_a_piece_that_was_held_before_there_were_reviews_can_be_decided_about(
    old: Books,
) -> None:
    event = stored(
        await write_rows(old), delivery={"held": True, "public": False}, verdict=verdict(**WAITING)
    )
    await old.sql(HELD, piece=event.piece_id, held=event.model_dump_json())
    await migrate(old.database.engine)
    (item,) = (await old.reviews.list(ListReviews(tenant=TENANT))).reviews
    assert item.piece_id == event.piece_id
    assert (await old.reviews.decide(decision(event))).state == "moderated"


async def test_calls_from_before_captions_were_bought_have_bought_images(old: Books) -> None:
    piece = await write_rows(old)
    await old.sql(
        ATTEMPT,
        piece=piece.piece_id,
        image=blob().model_dump_json(),
        generation=generation(attempt_id="a-1").model_dump_json(),
    )
    await migrate(old.database.engine)
    (record,) = (await old.piece(piece.piece_id)).attempts
    assert (record.kind, record.cost_usd_micros) == ("image", 7)
    assert (await old.open_attempt(piece)).answer == "done"
    assert (await ask(old, piece)).number == 2


async def write_rows(books: Books) -> ContentRequested:
    """A key, an avatar, a task and its piece, as the first release wrote them."""
    avatar_id = str(uuid4())
    piece = content_requested(brief=brief(avatar_id=avatar_id))
    await books.sql(KEY, id="k1", sha="0" * 64)
    await books.sql(AVATAR, id=avatar_id, tenant=TENANT)
    await books.sql(
        TASK,
        task=piece.task_id,
        tenant=TENANT,
        avatar=avatar_id,
        now=piece.accepted_at,
        deadline=piece.deadline_at,
    )
    await books.sql(
        PIECE,
        piece=piece.piece_id,
        tenant=TENANT,
        task=piece.task_id,
        avatar=avatar_id,
        brief=piece.brief.model_dump_json(),
        deadline=piece.deadline_at,
    )
    return piece
