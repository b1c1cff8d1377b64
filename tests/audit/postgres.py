"""The books as rows, by plain SQL in one snapshot."""

import json
from collections.abc import Mapping
from typing import Any

import asyncpg

from tests.audit.rows import (
    AttemptRow,
    AvatarRow,
    Books,
    ContentRow,
    DecisionRow,
    HistoryRow,
    OrderKeyRow,
    OutboxRow,
    PieceRow,
    TaskRow,
)
from tests.audit.servers import CannotJudge

CONNECT_LIMIT_S = 10.0


TASKS = """
SELECT id AS task_id, state, total, extract(epoch FROM accepted_at)::float8 AS accepted_at,
  extract(epoch FROM completed_at)::float8 AS completed_at,
  extract(epoch FROM cancelled_at)::float8 AS cancelled_at,
  EXISTS (SELECT FROM avatars WHERE avatars.id = tasks.avatar_id) AS avatar_exists
FROM tasks
"""
PIECES = """
SELECT id AS piece_id, task_id, index, state, current_run AS run, reason, brief, verdict_decision,
  verdict_sha256, image_sha256, held, content_id, tenant, verdict,
  extract(epoch FROM deadline_at)::float8 AS deadline_at,
  extract(epoch FROM ended_at)::float8 AS ended_at
FROM pieces
"""
CONTENTS = """
SELECT id AS content_id, task_id, object_key, thumbnail_key, public, access_tier AS tier,
  image_hash AS image_sha256, source_sha256, verdict_decision, verdict_sha256,
  meta_data->'generation'->>'attempt_id' AS attempt_id,
  extract(epoch FROM taken_down_at)::float8 AS taken_down_at, avatar_id,
  extract(epoch FROM created_at)::float8 AS delivered_at,
  coalesce(meta_data->'generation'->>'source', 'generated') AS source,
  meta_data->'generation'->>'cached_from' AS cached_from,
  coalesce((meta_data->'generation'->>'degraded')::boolean, false) AS degraded,
  coalesce((meta_data->'generation'->>'cost_usd_micros')::bigint, 0) AS cost_usd_micros,
  coalesce(meta_data->'captions', '{}') || jsonb_build_object(
    'source', meta_data->'hooks_source', 'hooks', meta_data->'hooks') AS captions
FROM content_pieces
"""
ATTEMPTS = """
SELECT attempt_id, number, task_id, piece_id, run, provider, holder, outcome, cost_usd_micros,
  extract(epoch FROM lease_until)::float8 AS lease_until,
  extract(epoch FROM opened_at)::float8 AS opened_at,
  extract(epoch FROM settled_at)::float8 AS settled_at,
  image->>'sha256' AS image_sha256,
  extract(epoch FROM bytes_lost_at)::float8 AS bytes_lost_at, avatar_id,
  extract(epoch FROM reconciled_at)::float8 AS reconciled_at, kind, captions
FROM attempts
"""
ORDER_KEYS = "SELECT key, task_id FROM order_keys"
OUTBOX = (
    "SELECT id AS row_id, fact, extract(epoch FROM created_at)::float8 AS created_at FROM outbox"
)
HISTORY = "SELECT piece_id, run, fact FROM piece_events"
DECISIONS = "SELECT piece_id, run, decision, by FROM review_decisions ORDER BY id"
AVATARS = "SELECT id AS avatar_id, extract(epoch FROM frozen_at)::float8 AS frozen_at FROM avatars"


async def read_books(database_url: str) -> Books:
    """One consistent snapshot of the books. Raises CannotJudge."""
    try:
        connection = await asyncpg.connect(database_url, timeout=CONNECT_LIMIT_S)
    except (OSError, asyncpg.PostgresError, TimeoutError) as exc:
        raise CannotJudge(f"Postgres: {type(exc).__name__}") from exc
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return await _books(connection)
    except (OSError, asyncpg.PostgresError, TimeoutError) as exc:
        raise CannotJudge(f"Postgres: {type(exc).__name__}: {exc}") from exc
    finally:
        await connection.close()


async def _books(connection: Any) -> Books:
    return Books(
        tasks=tuple(TaskRow(**row) for row in await connection.fetch(TASKS)),
        pieces=tuple(_piece(row) for row in await connection.fetch(PIECES)),
        contents=tuple(
            ContentRow(**_with_captions(row)) for row in await connection.fetch(CONTENTS)
        ),
        attempts=tuple(
            AttemptRow(**_with_captions(row)) for row in await connection.fetch(ATTEMPTS)
        ),
        order_keys=tuple(OrderKeyRow(**row) for row in await connection.fetch(ORDER_KEYS)),
        outbox=tuple(OutboxRow(**row) for row in await connection.fetch(OUTBOX)),
        history=tuple(HistoryRow(**row) for row in await connection.fetch(HISTORY)),
        decisions=tuple(DecisionRow(**row) for row in await connection.fetch(DECISIONS)),
        avatars=tuple(AvatarRow(**row) for row in await connection.fetch(AVATARS)),
    )


def _piece(row: Mapping[str, Any]) -> PieceRow:
    held = _parsed(row["held"])
    return PieceRow(
        **{
            **row,
            "brief": json.loads(row["brief"]),
            "verdict": _parsed(row["verdict"]),
            "held": _held_keys(held),
            "held_run": held and held["run"],
            "held_verdict": held and held["verdict"],
        }
    )


def _with_captions(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "captions": _parsed(row["captions"])}


def _parsed(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def _held_keys(held: Mapping[str, Any] | None) -> tuple[str, ...]:
    if held is None:
        return ()
    delivery = held["delivery"]
    return (delivery["object_key"], delivery["thumbnail_key"])
