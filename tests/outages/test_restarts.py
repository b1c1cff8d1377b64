"""Every process is restarted in the middle of its work; clients and pieces hardly notice."""

import asyncio
import time
from itertools import count
from pathlib import Path

import pytest

from tests.generator.worker_stub import Worker
from tests.outages.books import assert_bought_once, assert_each_ended_once, settled_s
from tests.outages.customers import Customers, customers
from tests.outages.figures import tell
from tests.outages.restarts import SERVICES, restart, restart_all
from tests.outages.whole import whole_atelier

pytestmark = pytest.mark.outage

GOES_ON_WITHIN_S = 10.0
"""Less than the broker's patience with who holds a message and says nothing (12 s)."""
BATCH = 40
CLIENTS = 6


async def test_who_is_asked_to_stop_finishes_or_hands_back_and_the_work_goes_on_at_once(
    tmp_path: Path, worker: Worker
) -> None:
    worker.delay_s = lambda _: 0.2
    with whole_atelier(tmp_path, worker) as system:
        avatar = system.avatar()
        async with customers(system) as clients:
            for service in SERVICES:
                before = clients.pieces
                task_id = await clients.order(avatar, BATCH)
                system.wait_until(task_id, "generated", BATCH // 4)
                began = time.monotonic()
                restarted = await restart(system, service)
                await settled_s(system, before + BATCH, limit_s=60)
                ended_s = time.monotonic() - began
                tell(
                    f"SIGTERM to {service}",
                    exit_s=restarted.ended_s,
                    ready_s=restarted.ready_s,
                    all_ended_s=ended_s,
                )
                assert ended_s < restarted.ready_s + GOES_ON_WITHIN_S
        await assert_each_ended_once(system, clients.pieces)
        await assert_bought_once(system, clients.pieces, asked=len(worker.asked))


@pytest.mark.parametrize("replicas", [1, 2])
async def test_a_rolling_restart_costs_clients_no_more_than_a_retry(
    tmp_path: Path, worker: Worker, replicas: int
) -> None:
    worker.delay_s = lambda _: 0.02
    scale = [part for name in SERVICES for part in ("--scale", f"{name}={replicas}")]
    with whole_atelier(tmp_path, worker, *scale) as system:
        avatar = system.avatar()
        async with customers(system) as clients:
            over = asyncio.Event()
            async with asyncio.TaskGroup() as group:
                for number in range(CLIENTS):
                    group.create_task(_keep_busy(clients, avatar, over, polite=number % 2 == 0))
                began = time.monotonic()
                restarts = await restart_all(system)
                lasted_s = time.monotonic() - began
                over.set()
        ended_s = await settled_s(system, clients.pieces, limit_s=120)
        tell(
            f"rolling restart, {replicas} of each, {len(restarts)} processes",
            lasted_s=lasted_s,
            answers=sum(clients.statuses.values()),
            answers_503=clients.statuses[503],
            connection_errors=sum(clients.errors.values()),
            slowest_answer_s=clients.slowest_s,
            pieces=clients.pieces,
            all_ended_s=ended_s,
        )
        assert not clients.errors, clients.errors
        assert not clients.impolite
        assert set(clients.statuses) <= {200, 202, 503}
        await assert_each_ended_once(system, clients.pieces)


async def _keep_busy(clients: Customers, avatar: str, over: asyncio.Event, *, polite: bool) -> None:
    """Order and look, on kept connections or on a new one each time, until it is over."""
    headers = {} if polite else {"Connection": "close"}
    for turn in count():
        if over.is_set():
            return
        if turn % 20 == 0:
            await clients.order(avatar, 1)
        await clients.ask("GET", "/avatars", headers=headers)
        await asyncio.sleep(0.05)
