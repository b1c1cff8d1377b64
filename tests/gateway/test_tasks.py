"""Follow and cancel tasks."""

from uuid import uuid4

import httpx2

from shared.calls import Reason, StageCounts
from tests.gateway.backend import SECRET
from tests.gateway.conftest import World

PATH = "/api/v1/content/tasks"


async def order(client: httpx2.AsyncClient, pieces: int = 2) -> str:
    answer = await client.post(
        "/api/v1/content/batch", json={"avatar_id": "ada", "num_pieces": pieces}
    )
    return str(answer.json()["task_id"])


async def test_a_task_under_way_tells_how_far_it_is(client: httpx2.AsyncClient) -> None:
    task_id = await order(client)
    task = (await client.get(f"{PATH}/{task_id}")).json()
    assert task["state"] == task["status"] == "queued"
    assert task["progress"] == 0
    assert task["total"] == task["counts"]["requested"] == 2
    assert task["result"] is None


async def test_a_finished_task_holds_its_pieces_and_the_reasons_of_the_others(
    world: World, client: httpx2.AsyncClient
) -> None:
    task_id = await order(client)
    world.backend.deliver(task_id, 0)
    world.backend.end(
        task_id,
        reasons=(Reason(piece_id="p", state="failed", reason="deadline"),),
        counts=StageCounts(requested=2, persisted=1, failed=1),
    )
    task = (await client.get(f"{PATH}/{task_id}")).json()
    assert (task["state"], task["progress"]) == ("completed", 100)
    assert len(task["result"]["content_pieces"]) == 1
    assert task["reasons"][0]["reason"] == "deadline"
    assert task["cost_usd"] == 0.01


async def test_the_old_path_answers_the_same(world: World, client: httpx2.AsyncClient) -> None:
    task_id = await order(client)
    world.backend.finish(task_id)
    new = await client.get(f"{PATH}/{task_id}")
    old = await client.get(f"/api/v1/loras/training/status/{task_id}")
    assert old.status_code == 200
    assert old.json() == new.json()


async def test_cancelling_keeps_what_was_finished(world: World, client: httpx2.AsyncClient) -> None:
    task_id = await order(client)
    world.backend.deliver(task_id, 0)
    answer = await client.post(f"{PATH}/{task_id}/cancel")
    assert answer.status_code == 200
    assert answer.json()["state"] == "cancelled"
    assert len(answer.json()["result"]["content_pieces"]) == 1


async def test_unknown_tasks_and_those_of_others_are_not_found(
    world: World, client: httpx2.AsyncClient
) -> None:
    task_id = await order(client)
    assert (await client.get(f"{PATH}/{uuid4()}")).json()["code"] == "task_not_found"
    assert (await client.post(f"{PATH}/{uuid4()}/cancel")).status_code == 404
    async with world.client(key=f"atl_k2_{SECRET}") as stranger:
        assert (await stranger.get(f"{PATH}/{task_id}")).status_code == 404
        assert (await stranger.post(f"{PATH}/{task_id}/cancel")).status_code == 404
