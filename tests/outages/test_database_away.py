"""The database is away, or hangs: the doors say so at once, the work waits, nothing is lost."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from deploy.local.postgres import EmbeddedPostgres
from tests.generator.worker_stub import Worker
from tests.outages.books import assert_bought_once, assert_each_ended_once, settled_s
from tests.outages.customers import Customers, customers
from tests.outages.figures import tell
from tests.outages.servers import family
from tests.outages.whole import whole_atelier

PIECES = 60
TOLD_WITHIN_S = 1.0
BACK_WITHIN_S = 15.0
ASK_EVERY_S = 0.25

Away = Callable[[EmbeddedPostgres], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def killed(postgres: EmbeddedPostgres) -> AsyncIterator[None]:
    """Nobody is there."""
    await postgres.kill()
    yield
    await postgres.start()


@asynccontextmanager
async def hanging(postgres: EmbeddedPostgres) -> AsyncIterator[None]:
    """Connections stand, and nothing answers."""
    processes = family(postgres.pid)
    for pid in processes:
        os.kill(pid, signal.SIGSTOP)
    yield
    for pid in reversed(processes):
        os.kill(pid, signal.SIGCONT)


@pytest.mark.outage
@pytest.mark.parametrize(
    ("away", "away_s"),
    [(killed, 6.0), (hanging, 6.0), (killed, 60.0), (hanging, 60.0)],
)
async def test_the_database_comes_back(
    tmp_path: Path, worker: Worker, away: Away, away_s: float
) -> None:
    async with EmbeddedPostgres(tmp_path / "postgres") as postgres:
        with whole_atelier(tmp_path, worker, DATABASE_URL=postgres.dsn()) as system:
            avatar = system.avatar()
            async with customers(system) as clients:
                task_id = await clients.order(avatar, PIECES)
                system.wait_until(task_id, "generated", PIECES // 4)
                async with away(postgres):
                    turned_away = await _besiege(clients, avatar, task_id, away_s)
                back_at = time.monotonic()
                await clients.order(avatar, 1)
                back_s = time.monotonic() - back_at
            ended_s = await settled_s(system, PIECES + 1, limit_s=60)
            tell(
                f"database {away.__name__} for {away_s:g} s",
                slowest_503_s=turned_away.slowest_s,
                answers_503=turned_away.statuses[503],
                orders_again_s=back_s,
                all_ended_s=back_s + ended_s,
            )
            assert not turned_away.errors
            assert not turned_away.impolite
            assert set(turned_away.statuses) == {503}
            assert turned_away.slowest_s < TOLD_WITHIN_S
            assert back_s < BACK_WITHIN_S
            await assert_each_ended_once(system, PIECES + 1)
            await assert_bought_once(system, PIECES + 1, asked=len(worker.asked))


async def _besiege(clients: Customers, avatar: str, task_id: str, lasts_s: float) -> Customers:
    """Ask at every door again and again; what was answered."""
    asking = Customers(clients.http)
    body = {"avatar_id": avatar, "num_pieces": 1, "platform": "instagram"}
    end = time.monotonic() + lasts_s
    while time.monotonic() < end:
        key = {"Idempotency-Key": str(uuid4())}
        await asyncio.gather(
            asking.ask("POST", "/content/batch", json=body, headers=key),
            asking.ask("GET", f"/content/tasks/{task_id}"),
            asking.ask("GET", "/avatars"),
            asyncio.sleep(ASK_EVERY_S),
        )
    return asking
