"""However often, at once or over restarts, one key orders one task."""

import asyncio
import os
import signal
from collections import Counter
from typing import Any

import httpx2
import pytest

from tests.e2e.system import System
from tests.eventually import eventually

AT_ONCE = 200
BATCH = "/content/batch"


@pytest.fixture(scope="module")
def api_key(atelier: System) -> str:
    """A key that may ask as often as these tests do."""
    limit = {"requests": 100_000, "window_s": 60}
    body = {"name": "crowd", "scopes": ["read", "write"], "limit": limit}
    issued = atelier.client.post("/keys", json=body)
    assert issued.status_code == 201, issued.text
    return str(issued.json()["key"])


def crowd(atelier: System, api_key: str) -> httpx2.AsyncClient:
    """A client that opens a connection for every request that is under way."""
    return httpx2.AsyncClient(
        base_url=str(atelier.client.base_url),
        headers={"X-API-Key": api_key},
        limits=httpx2.Limits(max_connections=AT_ONCE),
        timeout=60,
        trust_env=False,
    )


def one_piece(atelier: System) -> dict[str, Any]:
    return {"avatar_id": atelier.avatar(), "num_pieces": 1, "platform": "instagram"}


async def tasks_of(atelier: System, order: dict[str, Any]) -> list[str]:
    """The tasks of the order's avatar, from the books themselves."""
    query = "select id::text from tasks where avatar_id::text = $1"
    return [row["id"] for row in await atelier.rows(query, order["avatar_id"])]


async def test_two_hundred_orders_at_once_by_one_key_make_one_task(
    atelier: System, api_key: str
) -> None:
    order, by_key = one_piece(atelier), {"Idempotency-Key": "two-hundred-at-once"}
    async with crowd(atelier, api_key) as clients:
        asking = (clients.post(BATCH, json=order, headers=by_key) for _ in range(AT_ONCE))
        answers = await asyncio.gather(*asking)
    assert Counter(answer.status_code for answer in answers) == {202: AT_ONCE}
    [task_id] = {answer.json()["task_id"] for answer in answers}
    told_anew = sum("idempotency-replayed" not in answer.headers for answer in answers)
    assert told_anew == 1
    assert await tasks_of(atelier, order) == [task_id]
    assert atelier.finished(task_id)["counts"]["persisted"] == 1


async def test_a_door_that_dies_under_a_crowd_opens_again_on_the_same_task(
    atelier: System, api_key: str
) -> None:
    order, by_key = one_piece(atelier), {"Idempotency-Key": "through-a-crash"}
    told: list[str] = []
    struck = asyncio.Event()
    broken = 0

    async def ask_on(clients: httpx2.AsyncClient) -> None:
        """Three times at least, and until the door has died."""
        nonlocal broken
        answered = 0
        while answered < 3 or not struck.is_set():
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

    async with crowd(atelier, api_key) as clients:
        asking = [asyncio.create_task(ask_on(clients)) for _ in range(40)]
        await eventually(lambda: told, timeout_s=60)
        os.kill(atelier.pid("gateway"), signal.SIGKILL)
        struck.set()
        await asyncio.gather(*asking)
    assert broken
    assert await tasks_of(atelier, order) == list(set(told))


async def test_a_key_keeps_its_order_over_restarts_and_takes_no_other(
    atelier: System, api_key: str
) -> None:
    order, by_key = one_piece(atelier), {"Idempotency-Key": "kept"}
    headers = by_key | {"X-API-Key": api_key}
    first = atelier.client.post(BATCH, json=order, headers=headers)
    task_id = first.json()["task_id"]
    for victim in ("gateway", "ledger"):
        os.kill(atelier.pid(victim), signal.SIGKILL)
        await eventually(lambda: _answers(atelier), timeout_s=60)
        again = atelier.client.post(BATCH, json=order, headers=headers)
        assert (again.status_code, again.json()["task_id"]) == (202, task_id)
        assert again.headers["idempotency-replayed"] == "true"
    other = atelier.client.post(BATCH, json=order | {"num_pieces": 2}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")
    assert await tasks_of(atelier, order) == [task_id]


def test_only_orders_mind_a_key(atelier: System) -> None:
    by_key = {"Idempotency-Key": "k" * 256}
    for _ in range(2):
        assert atelier.client.get("/avatars", headers=by_key).status_code == 200


def _answers(atelier: System) -> bool:
    try:
        return atelier.client.get("/avatars").status_code == 200
    except httpx2.TransportError:
        return False
