"""More requests than can be answered are refused, and nobody waits for the refusal."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2

from services.gateway.handler.crowd_limit import LONGEST_RETRY_AFTER_S
from tests.eventually import eventually
from tests.gateway.conftest import World
from tests.gateway.test_problems import assert_problem

GENERATE = "/api/v1/content/generate"
PIECE = {"avatar_id": "ada", "custom_prompt": "reading by a window"}


@asynccontextmanager
async def _waiting(world: World, client: httpx2.AsyncClient, count: int) -> AsyncIterator[None]:
    """So many requests that are not answered until the end of the block."""
    waiting = [asyncio.create_task(client.post(GENERATE, json=PIECE)) for _ in range(count)]
    await eventually(lambda: len(world.backend.accepted) == count)
    yield
    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)


async def test_who_is_one_too_many_is_refused_before_the_key_is_looked_at(world: World) -> None:
    async with world.client(most_requests=2) as client, _waiting(world, client, 2):
        answer = await client.get("/api/v1/avatars", headers={"X-API-Key": "nonsense"})
        assert_problem(answer, 503, "overloaded")
        assert 1 <= int(answer.headers["retry-after"]) <= LONGEST_RETRY_AFTER_S


async def test_a_crowd_is_not_taken_for_a_death(world: World) -> None:
    async with world.client(most_requests=1) as client, _waiting(world, client, 1):
        assert (await client.get("/health/live")).status_code == 200
        assert (await client.get("/health/ready")).status_code == 200


async def test_there_is_room_again_when_somebody_was_answered_or_left(world: World) -> None:
    async with world.client(most_requests=1) as client:
        async with _waiting(world, client, 1):
            assert (await client.get("/api/v1/avatars")).status_code == 503
        for _ in range(3):
            assert (await client.get("/api/v1/avatars")).status_code == 200
