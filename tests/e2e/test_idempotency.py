"""However often, at once or over restarts, one key orders one task."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.e2e.system import System, running
from tests.eventually import eventually

AT_ONCE = 1000
BATCH = "/content/batch"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    data = tmp_path_factory.mktemp("idempotency") / "data"
    # The usual door would send most of the crowd away for a moment.
    with running(data, GATEWAY_MAX_REQUESTS=str(2 * AT_ONCE)) as system:
        yield system


@pytest.fixture(scope="module")
def api_key(system: System) -> str:
    """A key that may ask as often as these tests do."""
    limit = {"requests": 100_000, "window_s": 60}
    body = {"name": "crowd", "scopes": ["read", "write"], "limit": limit}
    issued = system.client.post("/keys", json=body)
    assert issued.status_code == 201, issued.text
    return str(issued.json()["key"])


def crowd(system: System, api_key: str) -> httpx2.AsyncClient:
    """A client that opens a connection for every request that is under way."""
    return httpx2.AsyncClient(
        base_url=str(system.client.base_url),
        headers={"X-API-Key": api_key},
        limits=httpx2.Limits(max_connections=AT_ONCE),
        timeout=60,
        trust_env=False,
    )


def one_piece(system: System) -> dict[str, Any]:
    return {"avatar_id": system.avatar(), "num_pieces": 1, "platform": "instagram"}


async def tasks_of(system: System, order: dict[str, Any]) -> list[str]:
    """The tasks of the order's avatar, from the books themselves."""
    query = "select id::text from tasks where avatar_id::text = $1"
    return [row["id"] for row in await system.rows(query, order["avatar_id"])]


async def test_a_thousand_orders_at_once_by_one_key_make_one_task(
    system: System, api_key: str
) -> None:
    order, by_key = one_piece(system), {"Idempotency-Key": "a-thousand-at-once"}
    async with crowd(system, api_key) as clients:
        asking = (clients.post(BATCH, json=order, headers=by_key) for _ in range(AT_ONCE))
        answers = await asyncio.gather(*asking)
    assert Counter(answer.status_code for answer in answers) == {202: AT_ONCE}
    [task_id] = {answer.json()["task_id"] for answer in answers}
    told_anew = sum("idempotency-replayed" not in answer.headers for answer in answers)
    assert told_anew == 1
    assert await tasks_of(system, order) == [task_id]
    assert system.finished(task_id)["counts"]["persisted"] == 1


async def test_a_door_that_dies_under_a_crowd_opens_again_on_the_same_task(
    system: System, api_key: str
) -> None:
    order, by_key = one_piece(system), {"Idempotency-Key": "through-a-crash"}
    told: list[str] = []
    broken = 0

    async def ask_five_times(clients: httpx2.AsyncClient) -> None:
        nonlocal broken
        answered = 0
        while answered < 5:
            try:
                answer = await clients.post(BATCH, json=order, headers=by_key)
            except httpx2.TransportError:
                broken += 1
                await asyncio.sleep(0.1)
                continue
            assert answer.status_code in {202, 503}, answer.text
            if answer.status_code == 202:
                told.append(answer.json()["task_id"])
                answered += 1

    async with crowd(system, api_key) as clients:
        asking = [asyncio.create_task(ask_five_times(clients)) for _ in range(100)]
        await eventually(lambda: told, timeout_s=20)
        os.kill(system.pid("gateway"), signal.SIGKILL)
        await asyncio.gather(*asking)
    assert broken
    assert await tasks_of(system, order) == list(set(told))


async def test_a_key_keeps_its_order_over_restarts_and_takes_no_other(
    system: System, api_key: str
) -> None:
    order, by_key = one_piece(system), {"Idempotency-Key": "kept"}
    headers = by_key | {"X-API-Key": api_key}
    first = system.client.post(BATCH, json=order, headers=headers)
    task_id = first.json()["task_id"]
    for victim in ("gateway", "ledger"):
        os.kill(system.pid(victim), signal.SIGKILL)
        await eventually(lambda: _answers(system), timeout_s=20)
        again = system.client.post(BATCH, json=order, headers=headers)
        assert (again.status_code, again.json()["task_id"]) == (202, task_id)
        assert again.headers["idempotency-replayed"] == "true"
    other = system.client.post(BATCH, json=order | {"num_pieces": 2}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")
    assert await tasks_of(system, order) == [task_id]


def test_only_orders_mind_a_key(system: System) -> None:
    by_key = {"Idempotency-Key": "k" * 256}
    for _ in range(2):
        assert system.client.get("/avatars", headers=by_key).status_code == 200


def _answers(system: System) -> bool:
    try:
        return system.client.get("/avatars").status_code == 200
    except httpx2.TransportError:
        return False
