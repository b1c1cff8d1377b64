"""Orders pieces of the Celery Atelier, and tells on stdout when they were persisted.

As JSON, with the processor seconds that this program took itself.

`python -m benchmarks.peers.celery_atelier.client BRIEFS.json singles|batches PIECES`
"""

import json
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import structlog

from benchmarks.peers.celery_atelier import book
from benchmarks.peers.celery_atelier.app import app
from benchmarks.peers.celery_atelier.tasks import generate

Brief = dict[str, Any]

_BATCH = 500
_SINGLES_PER_S = 5
_LOOK_EVERY_S = 0.05
_LIMIT_S = 600.0


def main() -> None:
    """Single pieces at an even pace, or as many batches as it takes."""
    briefs, way, pieces = json.loads(Path(sys.argv[1]).read_text()), sys.argv[2], int(sys.argv[3])
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    _avatar(briefs[0]["avatar_id"])
    began_s = time.process_time()
    orders = _singles(briefs, pieces) if way == "singles" else _batches(briefs, pieces)
    _wait()
    took_s = time.process_time() - began_s
    told = [{"ordered_at": at, "persisted_at": _ends(task)} for at, task in orders]
    sys.stdout.write(json.dumps({"cpu_s": took_s, "orders": told}) + "\n")


def _singles(briefs: Sequence[Brief], pieces: int) -> list[tuple[float, str]]:
    orders = []
    began = time.time()
    for number in range(pieces):
        time.sleep(max(0.0, began + number / _SINGLES_PER_S - time.time()))
        orders.append((time.time(), order(briefs, 1)))
    return orders


def _batches(briefs: Sequence[Brief], pieces: int) -> list[tuple[float, str]]:
    sizes = [min(_BATCH, pieces - begun) for begun in range(0, pieces, _BATCH)]
    return [(time.time(), order(briefs, size)) for size in sizes]


def order(briefs: Sequence[Brief], count: int) -> str:
    """Accept a task of so many pieces and ask for each; gives the task's id."""
    task_id = str(uuid4())
    asked = {"task_id": task_id, "ordered_at": datetime.now(UTC).isoformat()}
    pieces = [
        asked | {"piece_id": str(uuid4()), "brief": briefs[index % len(briefs)]}
        for index in range(count)
    ]
    book.accept(task_id, pieces)
    with app.producer_pool.acquire(block=True) as producer:
        for piece in pieces:
            generate.apply_async((piece,), producer=producer)
    return task_id


def _wait() -> None:
    """Return when no task is under way. Raises TimeoutError."""
    give_up_at = time.time() + _LIMIT_S
    while time.time() < give_up_at:
        with book.transaction() as cursor:
            cursor.execute("SELECT count(*) FROM tasks WHERE completed_at IS NULL")
            if cursor.fetchone() == (0,):
                return
        time.sleep(_LOOK_EVERY_S)
    raise TimeoutError(f"not done within {_LIMIT_S:.0f} s")


def _ends(task_id: str) -> list[float]:
    with book.transaction() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM ended_at)::float8 FROM pieces"
            " WHERE task_id = %s AND state = 'persisted' ORDER BY ended_at",
            (task_id,),
        )
        return [row[0] for row in cursor]


def _avatar(avatar_id: str) -> None:
    with book.transaction() as cursor:
        cursor.execute(
            "INSERT INTO avatars (id, tenant, name, stage) VALUES (%s, 'default', 'Ada', 'ready')"
            " ON CONFLICT DO NOTHING",
            (avatar_id,),
        )


if __name__ == "__main__":
    main()
