"""Parts of the system that are away, slow, or mistaken."""

import httpx2

from shared.problems import Problem
from tests.errors.producers.registry import (
    BATCH,
    HOOKS,
    ORDER,
    PREFIX,
    RealLedger,
    at_the_door,
    from_the_ledger,
)
from tests.gateway.conftest import World


@at_the_door("unavailable")
async def unavailable(world: World) -> httpx2.Response:
    world.backend.away.add("ledger.avatar.get")
    async with world.client() as client:
        return await client.get(f"{PREFIX}/avatars/ada")


@at_the_door("no_room")
async def no_room(world: World) -> httpx2.Response:
    async def refuse(_: object) -> None:
        raise Problem(503, "no_room", "There is no room in the store of objects.")

    world.backend.on_accept = refuse
    async with world.client() as client:
        return await client.post(BATCH, json=ORDER)


@at_the_door("not_confirmed")
async def not_confirmed(world: World) -> httpx2.Response:
    world.backend.away.add("ledger.task.accept")
    async with world.client() as client:
        return await client.post(BATCH, json=ORDER)


@at_the_door("captions_not_confirmed")
async def captions_not_confirmed(world: World) -> httpx2.Response:
    world.backend.away.add("hooks.write")
    async with world.client() as client:
        return await client.post(HOOKS, json={"prompt": "by the sea", "platform": "x"})


@at_the_door("internal_error")
async def internal_error(world: World) -> httpx2.Response:
    world.backend.broken.add("ledger.avatar.get")
    async with world.client() as client:
        return await client.get(f"{PREFIX}/avatars/ada")


@from_the_ledger("request_too_large")
async def request_too_large(ledger: RealLedger) -> httpx2.Response:
    """The avatar's words stand in every piece, and a letter may take four bytes."""
    words = "\N{WRAPPED PRESENT}" * 2000
    await ledger.books.avatar("ada", base_prompt=words, negative_prompt=words)
    order = ORDER | {"num_pieces": 500, "custom_prompts": [words] * 120}
    async with ledger.client() as client:
        return await client.post(BATCH, json=order)
