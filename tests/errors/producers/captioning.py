"""Wishes for captions that cannot be met."""

import httpx2

from shared.ids import piece_id
from tests.errors.producers.registry import BATCH, HOOKS, ORDER, at_the_door
from tests.gateway.conftest import World


@at_the_door("pieces_or_prompt", field="prompt")
async def pieces_or_prompt(world: World) -> httpx2.Response:
    wanted = {"piece_ids": ["p"], "prompt": "by the sea", "platform": "x"}
    async with world.client() as client:
        return await client.post(HOOKS, json=wanted)


@at_the_door("platform_required", field="platform")
async def platform_required(world: World) -> httpx2.Response:
    async with world.client() as client:
        return await client.post(HOOKS, json={"prompt": "by the sea"})


@at_the_door("pieces_differ", field="piece_ids.1")
async def pieces_differ(world: World) -> httpx2.Response:
    world.backend.avatar("eve")
    pieces = []
    async with world.client() as client:
        for avatar_id in ("ada", "eve"):
            placed = await client.post(BATCH, json=ORDER | {"avatar_id": avatar_id})
            world.backend.finish(placed.json()["task_id"])
            pieces.append(piece_id(placed.json()["task_id"], 0))
        return await client.post(HOOKS, json={"piece_ids": pieces})
