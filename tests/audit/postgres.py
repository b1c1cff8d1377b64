"""The books as rows, by plain SQL in one snapshot."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg

from tests.audit.servers import CannotJudge

CONNECT_LIMIT_S = 10.0


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task. Times in this module are seconds since 1970.

    An avatar that was deleted takes the rows of its pieces along; its tasks stay.
    """

    task_id: str
    state: str
    total: int
    accepted_at: float
    completed_at: float | None
    cancelled_at: float | None
    avatar_exists: bool


@dataclass(frozen=True, slots=True)
class PieceRow:
    """A piece. `held` are the keys of files that wait or waited for review, empty otherwise.

    `held_run` and `held_verdict` tell what was decided about; `verdict` is the whole one on record.
    """

    piece_id: str
    task_id: str
    index: int
    state: str
    run: int
    reason: str | None
    brief: Mapping[str, Any]
    verdict_decision: str | None
    verdict_sha256: str | None
    image_sha256: str | None
    held: tuple[str, ...]
    content_id: str | None
    deadline_at: float
    ended_at: float | None
    tenant: str = "default"
    verdict: Mapping[str, Any] | None = None
    held_run: int | None = None
    held_verdict: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ContentRow:
    """A delivered piece, and how its image came to be: made for it, or `cached` from another."""

    content_id: str
    task_id: str
    object_key: str
    thumbnail_key: str
    public: bool
    tier: str
    image_sha256: str
    source_sha256: str
    verdict_decision: str
    verdict_sha256: str
    attempt_id: str | None
    taken_down_at: float | None = None
    avatar_id: str = "avatar"
    delivered_at: float = 0.0
    source: str = "generated"
    cached_from: str | None = None
    degraded: bool = False
    cost_usd_micros: int = 0


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """A provider call as recorded. `image_sha256` is of what it gave.

    `reconciled_at`: when a person said, with the bill in hand, what it had cost.
    """

    attempt_id: str
    number: int
    task_id: str
    piece_id: str
    run: int
    provider: str
    holder: str
    outcome: str
    cost_usd_micros: int
    lease_until: float
    opened_at: float
    settled_at: float | None
    image_sha256: str | None
    bytes_lost_at: float | None
    avatar_id: str | None = None
    reconciled_at: float | None = None

    @property
    def is_reconciled(self) -> bool:
        """Whether nobody saw its end, and a person has said what it cost."""
        return self.outcome == "unknown" and self.reconciled_at is not None


@dataclass(frozen=True, slots=True)
class OrderKeyRow:
    """What was ordered by a key."""

    key: str
    task_id: str


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A fact that waits to be published."""

    row_id: int
    fact: str
    created_at: float


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """A line of a piece's history."""

    piece_id: str
    run: int
    fact: str


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """What a reviewer has decided about a run of a piece."""

    piece_id: str
    run: int
    decision: str
    by: str


@dataclass(frozen=True, slots=True)
class AvatarRow:
    """An avatar, and since when nothing may be bought for it."""

    avatar_id: str
    frozen_at: float | None


@dataclass(frozen=True, slots=True)
class Books:
    """Every row that tells of orders, pieces and money."""

    tasks: tuple[TaskRow, ...] = ()
    pieces: tuple[PieceRow, ...] = ()
    contents: tuple[ContentRow, ...] = ()
    attempts: tuple[AttemptRow, ...] = ()
    order_keys: tuple[OrderKeyRow, ...] = ()
    outbox: tuple[OutboxRow, ...] = ()
    history: tuple[HistoryRow, ...] = ()
    decisions: tuple[DecisionRow, ...] = ()
    avatars: tuple[AvatarRow, ...] = ()


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
  coalesce((meta_data->'generation'->>'cost_usd_micros')::bigint, 0) AS cost_usd_micros
FROM content_pieces
"""
ATTEMPTS = """
SELECT attempt_id, number, task_id, piece_id, run, provider, holder, outcome, cost_usd_micros,
  extract(epoch FROM lease_until)::float8 AS lease_until,
  extract(epoch FROM opened_at)::float8 AS opened_at,
  extract(epoch FROM settled_at)::float8 AS settled_at,
  image->>'sha256' AS image_sha256,
  extract(epoch FROM bytes_lost_at)::float8 AS bytes_lost_at, avatar_id,
  extract(epoch FROM reconciled_at)::float8 AS reconciled_at
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
        contents=tuple(ContentRow(**row) for row in await connection.fetch(CONTENTS)),
        attempts=tuple(AttemptRow(**row) for row in await connection.fetch(ATTEMPTS)),
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


def _parsed(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def _held_keys(held: Mapping[str, Any] | None) -> tuple[str, ...]:
    if held is None:
        return ()
    delivery = held["delivery"]
    return (delivery["object_key"], delivery["thumbnail_key"])
