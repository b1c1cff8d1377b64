"""Provider calls that are not there, or of which the bill says what cannot be."""

from typing import Any
from uuid import uuid4

import httpx2

from tests.errors.producers.registry import PREFIX, RealLedger, at_the_door, from_the_ledger
from tests.gateway.conftest import World


def _path(attempt_id: str) -> str:
    return f"{PREFIX}/attempts/{attempt_id}/reconcile"


async def _at_the_door(world: World, said: dict[str, Any]) -> httpx2.Response:
    world.backend.book("a")
    async with world.client() as client:
        return await client.post(_path("a"), json=said)


@from_the_ledger("attempt_not_found")
async def attempt_not_found(ledger: RealLedger) -> httpx2.Response:
    async with ledger.client() as client:
        return await client.post(_path(str(uuid4())), json={"result": "not_charged"})


@from_the_ledger("attempt_not_unknown")
async def attempt_not_unknown(ledger: RealLedger) -> httpx2.Response:
    """A call that is still under way."""
    [piece] = await ledger.books.accepted()
    attempt_id = str(uuid4())
    await ledger.books.open_attempt(piece, attempt_id=attempt_id)
    async with ledger.client() as client:
        return await client.post(_path(attempt_id), json={"result": "not_charged"})


@at_the_door("cost_required", field="cost_usd")
async def cost_required(world: World) -> httpx2.Response:
    return await _at_the_door(world, {"result": "charged"})


@at_the_door("cost_not_allowed", field="cost_usd")
async def cost_not_allowed(world: World) -> httpx2.Response:
    return await _at_the_door(world, {"result": "not_charged", "cost_usd": 0.01})
