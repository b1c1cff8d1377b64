"""The same rows in the ledger's own tables: one transaction a step, every write conditional."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import psycopg  # type: ignore[import-not-found]
from psycopg.types.json import Jsonb  # type: ignore[import-not-found]

Piece = dict[str, Any]

_EVENT = """
INSERT INTO piece_events (tenant, task_id, piece_id, avatar_id, run, fact, detail)
VALUES ('default', %s, %s, %s, 1, %s, %s) ON CONFLICT DO NOTHING
"""
_OPEN_ATTEMPT = """
INSERT INTO attempts (attempt_id, number, tenant, task_id, piece_id, avatar_id, run, provider,
                      holder, lease_until)
SELECT %(attempt)s, coalesce(max(number), 0) + 1, 'default', %(task)s, %(piece)s, %(avatar)s, 1,
       'modal_sdxl_lora', 'celery', clock_timestamp() + interval '305 s'
FROM attempts WHERE piece_id = %(piece)s
"""
_SETTLE_ATTEMPT = """
UPDATE attempts SET outcome = 'succeeded', duration_ms = 0, cost_usd_micros = 10000,
       settled_at = clock_timestamp(), image = %s, generation = %s
WHERE attempt_id = %s AND settled_at IS NULL
"""
_MOVE = """
UPDATE pieces SET state = %s, reached = %s, progressed_at = clock_timestamp()
WHERE id = %s AND reached < %s AND ended_at IS NULL
"""
_CONTENT = """
INSERT INTO content_pieces (id, tenant, avatar_id, task_id, access_tier, template_id, url,
    object_key, thumbnail_key, public, uploaded, hook_text, safety_rating, explicitness_level,
    lora_id, image_hash, source_sha256, verdict_decision, verdict_sha256, meta_data)
VALUES (%(id)s, 'default', %(avatar)s, %(task)s, %(tier)s, %(template)s, %(url)s, %(key)s,
    %(thumbnail)s, true, true, %(hook)s, %(rating)s, %(level)s, %(lora)s, %(hash)s, %(hash)s,
    'approved', %(hash)s, %(meta)s)
ON CONFLICT DO NOTHING
"""
_END = """
UPDATE pieces SET state = 'persisted', reached = 4, content_id = id, image_sha256 = %(sha256)s,
    verdict_decision = %(decision)s, verdict_rating = %(rating)s, verdict_level = %(level)s,
    verdict_tier = %(tier)s, verdict_sha256 = %(sha256)s, verdict_judge = %(judge)s,
    verdict_policy = %(policy)s, verdict_reason = %(reason)s,
    progressed_at = clock_timestamp(), ended_at = clock_timestamp()
WHERE id = %(piece)s AND ended_at IS NULL
"""
_REJECT = """
UPDATE pieces SET state = 'rejected', reason = 'moderation_rejected',
    verdict_decision = 'rejected', ended_at = clock_timestamp() WHERE id = %s AND ended_at IS NULL
"""
_COMPLETE = """
UPDATE tasks SET state = 'completed', completed_at = clock_timestamp()
WHERE id = %(task)s AND completed_at IS NULL
  AND NOT EXISTS (SELECT FROM pieces WHERE task_id = %(task)s AND ended_at IS NULL)
"""


def accept(task_id: str, pieces: Sequence[Piece]) -> None:
    """A task and its pieces, in one transaction."""
    avatar_id = pieces[0]["brief"]["avatar_id"]
    with transaction() as cursor:
        cursor.execute(
            "INSERT INTO tasks (id, tenant, avatar_id, kind, lane, platform, config, total,"
            " accepted_at, deadline_at) VALUES (%s, 'default', %s, 'batch', 'bulk', 'instagram',"
            " '{}', %s, clock_timestamp(), clock_timestamp() + interval '150 min')",
            (task_id, avatar_id, len(pieces)),
        )
        cursor.executemany(
            "INSERT INTO pieces (id, tenant, task_id, avatar_id, index, brief, deadline_at)"
            " VALUES (%s, 'default', %s, %s, %s, %s, clock_timestamp() + interval '150 min')",
            [
                (piece["piece_id"], task_id, avatar_id, index, Jsonb(piece["brief"]))
                for index, piece in enumerate(pieces)
            ],
        )
        events = [(*_whose(piece), "content.requested", Jsonb({})) for piece in pieces]
        cursor.executemany(_EVENT, events)


def open_attempt(piece: Piece, attempt_id: str) -> bool:
    """Record that a call will be made; False when the piece needs none any more."""
    with transaction() as cursor:
        cursor.execute(
            "UPDATE pieces SET begun_at = coalesce(begun_at, clock_timestamp()),"
            " progressed_at = clock_timestamp() WHERE id = %s AND ended_at IS NULL AND reached = 0",
            (piece["piece_id"],),
        )
        if cursor.rowcount == 0:
            return False
        # A call that nobody answers for any more: it may have cost.
        cursor.execute(
            "UPDATE attempts SET outcome = 'unknown' WHERE piece_id = %s AND outcome = 'open'",
            (piece["piece_id"],),
        )
        ids = {"attempt": attempt_id, "task": piece["task_id"], "piece": piece["piece_id"]}
        cursor.execute(_OPEN_ATTEMPT, ids | {"avatar": piece["brief"]["avatar_id"]})
    return True


def settle_attempt(piece: Piece, attempt_id: str) -> None:
    """Record what the call has given."""
    with transaction() as cursor:
        cursor.execute(
            _SETTLE_ATTEMPT, (Jsonb(piece["image"]), Jsonb(piece["generation"]), attempt_id)
        )
        _move(cursor, piece, "generated", 1)
        cursor.execute(_EVENT, (*_whose(piece), "image.generated", Jsonb(piece["generation"])))


def note(piece: Piece, state: str, reached: int, fact: str, detail: dict[str, Any]) -> None:
    """Record how far a piece has come."""
    with transaction() as cursor:
        _move(cursor, piece, state, reached)
        cursor.execute(_EVENT, (*_whose(piece), fact, Jsonb(detail)))


def reject(piece: Piece) -> None:
    """End a piece whose words are blocked."""
    with transaction() as cursor:
        cursor.execute(_REJECT, (piece["piece_id"],))
        cursor.execute(_EVENT, (*_whose(piece), "content.rejected", Jsonb({})))
        _complete(cursor, piece)


def persist(piece: Piece) -> None:
    """Record the delivery and end the piece."""
    delivery, verdict, brief = piece["delivery"], piece["verdict"], piece["brief"]
    content = {
        "id": piece["piece_id"],
        "avatar": brief["avatar_id"],
        "task": piece["task_id"],
        "tier": verdict["tier"],
        "template": brief["template_id"],
        "url": f"http://127.0.0.1/objects/{delivery['object_key']}",
        "key": delivery["object_key"],
        "thumbnail": delivery["thumbnail_key"],
        "hook": piece["hooks"][0],
        "rating": verdict["rating"],
        "level": verdict["level"],
        "lora": brief["lora"]["key"],
        "hash": verdict["sha256"],
        "meta": Jsonb(
            {"hooks": piece["hooks"], "generation": piece["generation"], "size": delivery["size"]}
        ),
    }
    with transaction() as cursor:
        cursor.execute(_CONTENT, content)
        cursor.execute(_END, verdict | {"piece": piece["piece_id"]})
        for fact in ("content.stored", "content.persisted"):
            cursor.execute(_EVENT, (*_whose(piece), fact, Jsonb(delivery)))
        _complete(cursor, piece)


@contextmanager
def transaction() -> Iterator[psycopg.Cursor]:
    """One transaction of this process's connection, which is made anew once it was lost."""
    connection = _connection()
    if connection.closed:
        _connection.cache_clear()
        connection = _connection()
    with connection.transaction(), connection.cursor() as cursor:
        yield cursor


@cache
def _connection() -> psycopg.Connection:
    return psycopg.connect(os.environ["BENCH_DATABASE_URL"], autocommit=True)


def _move(cursor: psycopg.Cursor, piece: Piece, state: str, reached: int) -> None:
    cursor.execute(_MOVE, (state, reached, piece["piece_id"], reached))


def _complete(cursor: psycopg.Cursor, piece: Piece) -> None:
    # Under the task's lock: the second of two last pieces sees what the first has committed.
    cursor.execute("SELECT FROM tasks WHERE id = %s FOR NO KEY UPDATE", (piece["task_id"],))
    cursor.execute(_COMPLETE, {"task": piece["task_id"]})


def _whose(piece: Piece) -> tuple[str, str, str]:
    return piece["task_id"], piece["piece_id"], piece["brief"]["avatar_id"]
