"""Refused before anybody looks at what is wanted."""

import asyncio
from typing import Literal

import httpx2
from fastapi import FastAPI, HTTPException

from services.gateway.handler import problems
from services.gateway.handler.body_limit import MAX_BODY_BYTES
from shared.api_keys import PlainKey
from shared.calls import RateLimit, RequestClaim, Scope
from tests.errors.producers.registry import (
    BATCH,
    GENERATE,
    HOOKS,
    ORDER,
    PIECE,
    PREFIX,
    at_the_door,
)
from tests.eventually import eventually
from tests.gateway.conftest import ORIGIN, World


@at_the_door("unauthorized")
async def unauthorized(world: World) -> httpx2.Response:
    async with world.client(key="atl_k1_wrong-wrong-wrong") as client:
        return await client.get(f"{PREFIX}/avatars")


@at_the_door("overloaded")
async def overloaded(world: World) -> httpx2.Response:
    """There is room for one request, and somebody waits."""
    async with world.client(most_requests=1) as client:
        waiting = asyncio.create_task(client.post(GENERATE, json=PIECE))
        await eventually(lambda: world.backend.accepted)
        answer = await client.get(f"{PREFIX}/avatars")
        waiting.cancel()
        await asyncio.wait([waiting])
        assert (await client.get(f"{PREFIX}/avatars")).status_code == 200
        return answer


@at_the_door("validation_error", field="num_pieces")
async def validation_error(world: World) -> httpx2.Response:
    async with world.client() as client:
        return await client.post(BATCH, json=ORDER | {"num_pieces": 501})


@at_the_door("body_too_large")
async def body_too_large(world: World) -> httpx2.Response:
    async with world.client() as client:
        return await client.post(BATCH, content=b" " * (MAX_BODY_BYTES + 1))


@at_the_door("bad_request")
async def bad_request(_: World) -> httpx2.Response:
    """Whatever the framework refuses that has no code of its own."""
    app = FastAPI()
    problems.install(app)

    @app.get("/")
    async def refuse() -> None:
        raise HTTPException(415, "This media type is not understood.")

    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        return await client.get("/")


@at_the_door("not_found")
async def not_found(world: World) -> httpx2.Response:
    async with world.client() as client:
        return await client.get(f"{PREFIX}/nothing")


@at_the_door("method_not_allowed")
async def method_not_allowed(world: World) -> httpx2.Response:
    async with world.client() as client:
        return await client.delete(f"{PREFIX}/content/templates")


@at_the_door("invalid_idempotency_key", field="Idempotency-Key")
async def invalid_idempotency_key(world: World) -> httpx2.Response:
    async with world.client() as client:
        return await client.post(BATCH, json=ORDER, headers={"Idempotency-Key": "k" * 256})


@at_the_door("request_under_way", field="Idempotency-Key")
async def request_under_way(world: World) -> httpx2.Response:
    return await _claimed(world, "wait")


@at_the_door("request_lost", field="Idempotency-Key")
async def request_lost(world: World) -> httpx2.Response:
    return await _claimed(world, "lost")


async def _claimed(world: World, state: Literal["wait", "lost"]) -> httpx2.Response:
    async def claim(_: object) -> RequestClaim:
        return RequestClaim(state=state)

    world.backend.instead["ledger.request.claim"] = claim
    wanted = {"prompt": "by the sea", "platform": "x"}
    async with world.client() as client:
        return await client.post(HOOKS, json=wanted, headers={"Idempotency-Key": "k"})


@at_the_door("scope_missing")
async def scope_missing(world: World) -> httpx2.Response:
    known = world.backend.keys["k1"]
    world.backend.keys["k1"] = known.model_copy(update={"scopes": frozenset({Scope.READ})})
    async with world.client() as client:
        return await client.post(BATCH, json=ORDER)


@at_the_door("rate_limited")
async def rate_limited(world: World) -> httpx2.Response:
    # A key of its own: the limits live as long as the application, which other tests use too.
    plain = PlainKey.new()
    world.backend.keys[plain.key_id] = world.backend.keys["k1"].model_copy(
        update={
            "key_id": plain.key_id,
            "secret_sha256": plain.secret_sha256,
            "limit": RateLimit(requests=1, window_s=60),
        }
    )
    async with world.client(key=plain.whole) as client:
        first = await client.get(f"{PREFIX}/avatars")
        assert first.status_code == 200, first.text
        return await client.get(f"{PREFIX}/avatars")
