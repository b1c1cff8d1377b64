"""The same rows in the ledger's own tables: one transaction a step, every write conditional."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import psycopg  # type: ignore[import-not-found]
from psycopg.types.json import Jsonb  # type: ignore[import-not-found]

from benchmarks.peers.celery_atelier import statements
from services.ledger.domain.lookalikes import LIKE_BITS
from shared.content import Verdict

Piece = dict[str, Any]


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
        cursor.executemany(statements.EVENT, events)


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
        cursor.execute(statements.OPEN_ATTEMPT, ids | {"avatar": piece["brief"]["avatar_id"]})
    return True


def settle_attempt(piece: Piece, attempt_id: str) -> None:
    """Record what the call has given."""
    with transaction() as cursor:
        cursor.execute(
            statements.SETTLE_ATTEMPT,
            (Jsonb(piece["image"]), Jsonb(piece["generation"]), attempt_id),
        )
        _move(cursor, piece, "generated", 1)
        cursor.execute(
            statements.EVENT, (*_whose(piece), "image.generated", Jsonb(piece["generation"]))
        )


def note(piece: Piece, state: str, reached: int, fact: str, detail: dict[str, Any]) -> None:
    """Record how far a piece has come."""
    with transaction() as cursor:
        _move(cursor, piece, state, reached)
        cursor.execute(statements.EVENT, (*_whose(piece), fact, Jsonb(detail)))


def reject(piece: Piece) -> None:
    """End a piece whose words are blocked."""
    with transaction() as cursor:
        _reject(cursor, piece)


def is_taken_down(sha256: str, image_print: str | None) -> bool:
    """Whether an image or its like was taken down."""
    with transaction() as cursor:
        return _is_taken_down(cursor, sha256, image_print)


def persist(piece: Piece, verdict: Verdict) -> None:
    """Record the delivery and end the piece."""
    with transaction() as cursor:
        if _is_taken_down(cursor, verdict.image_sha256, verdict.image_print):
            _reject(cursor, piece)
            return
        cursor.execute(statements.CONTENT, _content(piece, verdict))
        cursor.execute(statements.END, _ending(piece, verdict))
        for fact in ("content.stored", "content.persisted"):
            cursor.execute(statements.EVENT, (*_whose(piece), fact, Jsonb(piece["delivery"])))
        _complete(cursor, piece)


def _content(piece: Piece, verdict: Verdict) -> dict[str, Any]:
    delivery, brief = piece["delivery"], piece["brief"]
    told = {"hooks": piece["hooks"], "generation": piece["generation"], "size": delivery["size"]}
    return {
        "id": piece["piece_id"],
        "avatar": brief["avatar_id"],
        "task": piece["task_id"],
        "tier": verdict.tier,
        "template": brief["template_id"],
        "url": f"http://127.0.0.1/objects/{delivery['object_key']}",
        "key": delivery["object_key"],
        "thumbnail": delivery["thumbnail_key"],
        "hook": piece["hooks"][0],
        "rating": verdict.rating,
        "level": verdict.explicitness_level,
        "lora": brief["lora"]["key"],
        "delivered": delivery["image_sha256"],
        "judged": verdict.image_sha256,
        "meta": Jsonb(told),
    }


def _ending(piece: Piece, verdict: Verdict) -> dict[str, Any]:
    return {
        "piece": piece["piece_id"],
        "decision": verdict.decision,
        "rating": verdict.rating,
        "level": verdict.explicitness_level,
        "tier": verdict.tier,
        "sha256": verdict.image_sha256,
        "judge": verdict.judge,
        "policy": verdict.policy_version,
        "reason": verdict.reason,
        "verdict": Jsonb(piece["verdict"]),
    }


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
    cursor.execute(statements.MOVE, (state, reached, piece["piece_id"], reached))


def _complete(cursor: psycopg.Cursor, piece: Piece) -> None:
    # Under the task's lock: the second of two last pieces sees what the first has committed.
    cursor.execute("SELECT FROM tasks WHERE id = %s FOR NO KEY UPDATE", (piece["task_id"],))
    cursor.execute(statements.COMPLETE, {"task": piece["task_id"]})


def _reject(cursor: psycopg.Cursor, piece: Piece) -> None:
    cursor.execute(statements.REJECT, (piece["piece_id"],))
    cursor.execute(statements.EVENT, (*_whose(piece), "content.rejected", Jsonb({})))
    _complete(cursor, piece)


def _is_taken_down(cursor: psycopg.Cursor, sha256: str, image_print: str | None) -> bool:
    asked = {"sha256": sha256, "print": image_print, "bits": LIKE_BITS}
    cursor.execute(statements.TAKEN_DOWN, asked)
    return bool(cursor.fetchone() == (True,))


def _whose(piece: Piece) -> tuple[str, str, str]:
    return piece["task_id"], piece["piece_id"], piece["brief"]["avatar_id"]
