"""The broker is away for long: nobody spins, nobody gives up, and work goes on when it is back."""

import asyncio
import time
from pathlib import Path

import pytest

from deploy.local.nats import EmbeddedNats
from tests.generator.worker_stub import Worker
from tests.outages.books import assert_bought_once, assert_each_ended_once, settled_s, states
from tests.outages.cpu import cpu_of
from tests.outages.customers import customers
from tests.outages.figures import tell
from tests.outages.whole import whole_atelier

pytestmark = pytest.mark.outage

PIECES = 60
MOST_CPU_SHARE = 0.05
BACK_WITHIN_S = 15.0
SERVERS = {"supervisor", "postgres"}


@pytest.mark.parametrize("away_s", [8.0, 150.0])
async def test_the_broker_comes_back(tmp_path: Path, worker: Worker, away_s: float) -> None:
    async with EmbeddedNats(tmp_path / "nats") as broker:
        with whole_atelier(tmp_path, worker, NATS_URL=broker.url) as system:
            avatar = system.avatar()
            async with customers(system) as clients:
                await clients.order(avatar, PIECES)
            system.wait_until(next(iter(clients.accepted)), "generated", PIECES // 4)
            pids = {
                name: pid for name, pid in system.endpoint["pids"].items() if name not in SERVERS
            }
            await broker.kill()
            before, began = cpu_of(pids.values()), time.monotonic()
            await asyncio.sleep(away_s)
            lasted_s = time.monotonic() - began
            spent = {pid: spent_s - before[pid] for pid, spent_s in cpu_of(pids.values()).items()}
            share = {name: spent[pid] / lasted_s for name, pid in pids.items()}
            ended_before = (await states(system)).get("persisted", 0)

            await broker.start()
            back_at = time.monotonic()
            async with customers(system) as later:
                await later.order(avatar, 1)
            while (await states(system)).get("persisted", 0) <= ended_before:
                assert time.monotonic() - back_at < BACK_WITHIN_S
                await asyncio.sleep(0.05)
            working_s = time.monotonic() - back_at
            ended_s = await settled_s(system, PIECES + 1, limit_s=60)
            tell(
                f"broker away for {away_s:g} s",
                busiest_cpu_share=max(share.values()),
                by=max(share, key=lambda name: share[name]),
                working_again_s=working_s,
                all_ended_s=working_s + ended_s,
            )
            assert {
                name: pid for name, pid in system.endpoint["pids"].items() if name in pids
            } == pids
            assert max(share.values()) < MOST_CPU_SHARE, share
            assert working_s < BACK_WITHIN_S
            await assert_each_ended_once(system, PIECES + 1)
            await assert_bought_once(system, PIECES + 1, asked=len(worker.asked))
