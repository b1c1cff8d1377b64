"""`Idempotency-Key`: asking twice by the same key orders once."""

import asyncio
from typing import Any

import httpx2
import pytest

from services.gateway.handler.order_bodies import BatchBody, GenerateBody
from services.gateway.handler.ordering import order_body_sha256
from shared.calls import FoundOrder
from shared.outcomes import TryLater
from tests.eventually import eventually
from tests.gateway.conftest import World

GENERATE, BATCH, SYNC = (f"/api/v1/content/{name}" for name in ("generate", "batch", "batch/sync"))
ORDER = {"avatar_id": "ada", "num_pieces": 3}
BY_KEY = {"Idempotency-Key": "k-1"}


async def test_the_same_key_and_body_give_the_same_task(
    world: World, client: httpx2.AsyncClient
) -> None:
    first = await client.post(BATCH, json=ORDER, headers=BY_KEY)
    again = await client.post(BATCH, json=ORDER, headers=BY_KEY)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    assert len(world.backend.accepted) == 1


async def test_another_body_by_the_same_key_is_a_conflict(
    world: World, client: httpx2.AsyncClient
) -> None:
    await client.post(BATCH, json=ORDER, headers=BY_KEY)
    for path, body in ((BATCH, ORDER | {"num_pieces": 4}), (GENERATE, {"avatar_id": "ada"})):
        answer = await client.post(path, json=body, headers=BY_KEY)
        assert answer.status_code == 409
        assert answer.json()["code"] == "idempotency_conflict"
        assert answer.json()["field"] == "Idempotency-Key"
    assert len(world.backend.accepted) == 1


async def test_what_was_ordered_before_counts_whatever_became_of_its_avatar(
    world: World, client: httpx2.AsyncClient
) -> None:
    first = await client.post(BATCH, json=ORDER, headers=BY_KEY)
    screened = len(world.backend.screened)
    del world.backend.avatars["ada"]
    again = await client.post(BATCH, json=ORDER, headers=BY_KEY)
    assert again.json() == first.json()
    other = await client.post(BATCH, json=ORDER | {"num_pieces": 4}, headers=BY_KEY)
    assert other.json()["code"] == "idempotency_conflict"
    assert len(world.backend.screened) == screened


async def test_the_avatar_is_asked_for_while_nobody_knows_yet_what_was_ordered_before(
    world: World, client: httpx2.AsyncClient
) -> None:
    is_asked = asyncio.Event()

    async def avatar(request: Any) -> Any:
        is_asked.set()
        return world.backend.avatars[request.avatar_id]

    async def find(_: Any) -> Any:
        async with asyncio.timeout(5):
            await is_asked.wait()
        assert not world.backend.screened
        return FoundOrder()

    world.backend.instead |= {"ledger.avatar.get": avatar, "ledger.order.find": find}
    assert (await client.post(BATCH, json=ORDER, headers=BY_KEY)).status_code == 202
    assert world.backend.screened


async def test_while_nobody_knows_what_was_ordered_before_nothing_is_screened_or_accepted(
    world: World, client: httpx2.AsyncClient
) -> None:
    world.backend.away.add("ledger.order.find")
    answer = await client.post(BATCH, json=ORDER, headers=BY_KEY)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert not world.backend.screened
    assert not world.backend.accepted


async def test_without_a_key_every_order_is_a_new_one(
    world: World, client: httpx2.AsyncClient
) -> None:
    for _ in range(2):
        await client.post(BATCH, json=ORDER)
    assert len(world.backend.accepted) == 2


@pytest.mark.parametrize("path", [GENERATE, SYNC])
async def test_who_waits_by_a_key_that_was_used_gets_the_earlier_pieces(
    world: World, client: httpx2.AsyncClient, path: str
) -> None:
    world.finish_at_once()
    order = {"avatar_id": "ada"} if path == GENERATE else ORDER
    first = await client.post(path, json=order, headers=BY_KEY)
    again = await client.post(path, json=order, headers=BY_KEY)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert len(world.backend.accepted) == 1


async def test_who_waits_beside_the_first_gets_the_same_piece(world: World) -> None:
    async with world.client(look_every_s=0.05) as client:
        asking = [
            asyncio.create_task(client.post(GENERATE, json={"avatar_id": "ada"}, headers=BY_KEY))
            for _ in range(5)
        ]
        await eventually(lambda: world.backend.asked.count("ledger.task.get") >= 5)
        (task_id,) = world.backend.accepted
        world.backend.finish(task_id)
        await world.wire.completed(task_id)
        answers = await asyncio.gather(*asking)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_a_failed_order_stays_failed_under_its_key(
    world: World, client: httpx2.AsyncClient
) -> None:
    async def fail(task: Any) -> None:
        world.backend.fail(task.task_id)
        await world.wire.completed(task.task_id)

    world.backend.on_accept = fail
    answers = [
        await client.post(GENERATE, json={"avatar_id": "ada"}, headers=BY_KEY) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [502, 502]
    assert answers[0].json()["task_id"] == answers[1].json()["task_id"]


async def test_a_refused_order_leaves_its_key_free(
    world: World, client: httpx2.AsyncClient
) -> None:
    refused = await client.post(BATCH, json=ORDER | {"avatar_id": "nobody"}, headers=BY_KEY)
    assert refused.status_code == 404
    assert (await client.post(BATCH, json=ORDER, headers=BY_KEY)).status_code == 202


async def test_an_unconfirmed_order_is_the_same_one_when_it_is_asked_for_again(
    world: World, client: httpx2.AsyncClient
) -> None:
    async def lose_the_answer(_: Any) -> None:
        world.backend.on_accept = None
        raise TryLater("the answer got lost")

    world.backend.on_accept = lose_the_answer
    first = await client.post(BATCH, json=ORDER, headers=BY_KEY)
    again = await client.post(BATCH, json=ORDER, headers=BY_KEY)
    assert (first.status_code, first.json()["code"]) == (503, "not_confirmed")
    assert again.status_code == 202
    assert again.json()["task_id"] == first.json()["task_id"]
    assert len(world.backend.accepted) == 1


@pytest.mark.parametrize(
    "headers",
    [
        [("Idempotency-Key", "")],
        [("Idempotency-Key", "two words")],
        [("Idempotency-Key", "k" * 256)],
        [("Idempotency-Key", "é".encode())],
        [("Idempotency-Key", "a"), ("Idempotency-Key", "b")],
    ],
)
async def test_a_key_that_is_none_is_refused(
    world: World, client: httpx2.AsyncClient, headers: list[tuple[str, Any]]
) -> None:
    answer = await client.post(BATCH, json=ORDER, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid_idempotency_key"
    assert answer.json()["field"] == "Idempotency-Key"
    assert not world.backend.accepted


def test_what_is_meant_counts_and_not_how_it_was_written() -> None:
    explicit = BatchBody(avatar_id="ada", num_pieces=50, include_hooks=True)
    assert order_body_sha256(BatchBody(avatar_id="ada")) == order_body_sha256(explicit)
    assert order_body_sha256(BatchBody(avatar_id="ada")) != order_body_sha256(
        GenerateBody(avatar_id="ada")
    )
    assert order_body_sha256(GenerateBody(avatar_id="ada", seed=1)) != order_body_sha256(
        GenerateBody(avatar_id="ada", seed=2)
    )
