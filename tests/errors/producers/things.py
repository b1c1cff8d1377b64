"""Tasks, pieces, keys and files that are not there, or not as they would have to be."""

import httpx2

from shared.calls import AvatarFields, CreateAvatar, IssueKey, Scope
from tests.errors.producers.registry import (
    BATCH,
    ORDER,
    PREFIX,
    RealLedger,
    at_the_door,
    from_the_ledger,
)
from tests.gateway.backend import TENANT
from tests.gateway.conftest import World
from tests.ledger.books import accept_task, stored

ELSEWHERE = "another-tenant"


@at_the_door("task_not_found")
async def task_not_found(world: World) -> httpx2.Response:
    async with world.client() as client:
        return await client.get(f"{PREFIX}/content/tasks/nothing")


@at_the_door("piece_not_found")
async def piece_not_found(world: World) -> httpx2.Response:
    async with world.client() as client:
        return await client.get(f"{PREFIX}/content/pieces/nothing")


@at_the_door("object_not_found")
async def object_not_found(world: World) -> httpx2.Response:
    async with world.client(key=None) as client:
        return await client.get("/objects/content/ada/nothing.png")


@from_the_ledger("invalid_cursor", field="cursor")
async def invalid_cursor(ledger: RealLedger) -> httpx2.Response:
    async with ledger.client() as client:
        return await client.get(f"{PREFIX}/avatars", params={"cursor": "nonsense"})


async def _avatar_elsewhere(ledger: RealLedger, avatar_id: str) -> None:
    fields = AvatarFields(name="Grace", lora_weights_url="loras/g.safetensors")
    wanted = CreateAvatar(tenant=ELSEWHERE, avatar_id=avatar_id, fields=fields)
    await ledger.books.avatars.create(wanted)


@from_the_ledger("avatar_id_taken", field="avatar_id")
async def avatar_id_taken(ledger: RealLedger) -> httpx2.Response:
    await _avatar_elsewhere(ledger, "taken")
    async with ledger.client(new_id=lambda: "taken") as client:
        return await client.post(f"{PREFIX}/avatars", json={"name": "Ada"})


@from_the_ledger("task_id_taken", field="task_id")
async def task_id_taken(ledger: RealLedger) -> httpx2.Response:
    await _avatar_elsewhere(ledger, "grace")
    task = accept_task("grace", tenant=ELSEWHERE)
    await ledger.books.accept_task(task)
    await ledger.books.avatar("ada")
    async with ledger.client(new_id=lambda: task.task_id) as client:
        return await client.post(BATCH, json=ORDER)


@from_the_ledger("task_already_finished")
async def task_already_finished(ledger: RealLedger) -> httpx2.Response:
    [piece] = await ledger.books.accepted()
    path = f"{PREFIX}/content/tasks/{piece.task_id}/cancel"
    await ledger.books.endings.deliver(stored(piece))
    async with ledger.client() as client:
        return await client.post(path)


@from_the_ledger("piece_not_delivered")
async def piece_not_delivered(ledger: RealLedger) -> httpx2.Response:
    [piece] = await ledger.books.accepted()
    async with ledger.client() as client:
        return await client.post(f"{PREFIX}/content/pieces/{piece.piece_id}/publish")


@at_the_door("key_not_found")
async def key_not_found(world: World) -> httpx2.Response:
    async with world.client() as client:
        return await client.delete(f"{PREFIX}/keys/nothing")


@at_the_door("expires_in_the_past", field="expires_at")
async def expires_in_the_past(world: World) -> httpx2.Response:
    wanted = {"name": "old", "scopes": ["read"], "expires_at": "2000-01-01T00:00:00Z"}
    async with world.client() as client:
        return await client.post(f"{PREFIX}/keys", json=wanted)


@from_the_ledger("last_admin_key", field="key_id")
async def last_admin_key(ledger: RealLedger) -> httpx2.Response:
    only = IssueKey(
        tenant=TENANT, key_id="k1", secret_sha256="0" * 64, name="first", scopes={Scope.ADMIN}
    )
    await ledger.books.keys.add(only)
    async with ledger.client() as client:
        return await client.delete(f"{PREFIX}/keys/k1")
