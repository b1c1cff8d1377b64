"""One key, one task: a thousand clients at once, and again after the gateway was killed."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest

from tests.e2e.system import System, running
from tests.eventually import eventually

AT_ONCE = 1000
BATCH = "/content/batch"
BY_KEY = {"Idempotency-Key": "launch-2026"}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("idempotency") / "data", "--scale", "ledger=2") as system:
        yield system


@pytest.fixture
async def client(system: System) -> AsyncIterator[httpx2.AsyncClient]:
    """A client whose key allows what a stampede needs."""
    body = {"name": "stampede", "scopes": ["read", "write"], "limit": {"requests": 100_000}}
    key = system.client.post("/keys", json=body).json()["key"]
    limits = httpx2.Limits(max_connections=200, max_keepalive_connections=200)
    async with httpx2.AsyncClient(
        base_url=str(system.client.base_url),
        headers={"X-API-Key": key},
        limits=limits,
        timeout=60,
        trust_env=False,
    ) as client:
        yield client


async def test_a_thousand_orders_by_one_key_make_one_task_also_after_a_kill(
    system: System, client: httpx2.AsyncClient
) -> None:
    order = {"avatar_id": system.avatar(), "num_pieces": 2}

    async def place(body: dict[str, object]) -> httpx2.Response:
        while (answer := await client.post(BATCH, json=body, headers=BY_KEY)).status_code == 503:
            assert answer.headers["retry-after"]
            await asyncio.sleep(0.2)
        return answer

    answers = await asyncio.gather(*(place(order) for _ in range(AT_ONCE)))
    assert {answer.status_code for answer in answers} == {202}
    (task_id,) = {answer.json()["task_id"] for answer in answers}
    first = [answer for answer in answers if "idempotency-replayed" not in answer.headers]
    assert len(first) == 1

    killed = system.pid("gateway")
    os.kill(killed, signal.SIGKILL)

    async def is_back() -> bool:
        try:
            return (await client.get("/content/templates")).status_code == 200
        except httpx2.HTTPError:
            return False

    await eventually(is_back, timeout_s=30, every_s=0.1)
    again = await place(order)
    assert (again.status_code, again.json()["task_id"]) == (202, task_id)
    conflict = await place({**order, "num_pieces": 3})
    assert (conflict.status_code, conflict.json()["code"]) == (409, "idempotency_conflict")

    tasks = await system.rows("select id, total from tasks")
    assert [(row["id"], row["total"]) for row in tasks] == [(task_id, 2)]
    assert len(await system.rows("select id from pieces")) == 2
    assert system.finished(task_id)["counts"]["persisted"] == 2
