"""What a key opens: its scopes, its tenant's things, and as much as its limit allows."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from services.gateway.domain.rate_limits import MAX_CALLERS, RateLimits
from shared.calls import RateLimit, Scope
from tests.gateway.backend import KEY, NOW, SECRET
from tests.gateway.conftest import World

OTHER_KEY = f"atl_k2_{SECRET}"
KEYS = "/api/v1/keys"
UPLOADS = "/api/v1/content/upload-batch"
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("post", "/api/v1/content/generate"): {"avatar_id": "ada"},
    ("post", "/api/v1/content/batch"): {"avatar_id": "ada", "num_pieces": 1},
    ("post", "/api/v1/content/batch/sync"): {"avatar_id": "ada", "num_pieces": 1},
    ("post", "/api/v1/content/pieces/{piece_id}/publish"): {},
    ("post", "/api/v1/content/pieces/{piece_id}/takedown"): {"reason": "r"},
    ("post", "/api/v1/content/hooks"): {"prompt": "p", "platform": "x", "avatar_id": "ada"},
    ("post", "/api/v1/content/safety-check"): {"text": "t", "avatar_id": "ada"},
    ("post", UPLOADS): {"piece_ids": ["p"]},
    ("post", "/api/v1/attempts/{attempt_id}/reconcile"): {"result": "not_charged"},
    ("post", "/api/v1/reviews/{piece_id}/approve"): {"rating": "safe"},
    ("post", "/api/v1/reviews/{piece_id}/reject"): {"reason": "r"},
    ("post", "/api/v1/avatars"): {"name": "A"},
    ("post", "/api/v1/avatars/{avatar_id}/unfreeze"): {"reason": "r"},
    ("patch", "/api/v1/avatars/{avatar_id}"): {"name": "Eve"},
    ("post", "/api/v1/keys"): {"name": "a", "scopes": ["admin"]},
}
NOBODYS = {"/api/v1/content/health", "/api/v1/content/templates", "/api/v1/providers"}
LISTS = {
    "/api/v1/attempts": "attempts",
    "/api/v1/avatars": "avatars",
    "/api/v1/keys": "keys",
    "/api/v1/reviews": "reviews",
    "/api/v1/moderation/actions": "actions",
}


def operations(app: FastAPI) -> Iterator[tuple[str, str, Scope]]:
    for path, each in app.openapi()["paths"].items():
        for method, operation in each.items():
            if path.startswith("/api/"):
                yield method, path, Scope(operation["x-required-scope"])


async def ask(client: httpx2.AsyncClient, method: str, path: str, **ids: str) -> httpx2.Response:
    known = {
        "avatar_id": "ada",
        "task_id": "t",
        "piece_id": "p",
        "template_id": "t",
        "attempt_id": "a",
        "key_id": "k1",
    }
    body = BODIES.get((method, path))
    return await client.request(method, path.format(**known | ids), json=body)


def scoped(world: World, *scopes: Scope, **fields: Any) -> str:
    """A key of the first tenant with these scopes alone."""
    key = world.backend.keys["k1"].model_copy(
        update={"key_id": "k3", "scopes": frozenset(scopes), **fields}
    )
    world.backend.keys["k3"] = key
    return f"atl_k3_{SECRET}"


async def test_every_operation_refuses_a_key_without_its_scope(world: World) -> None:
    tried = 0
    for method, path, scope in operations(world.app):
        world.door.keys.forget("k3")
        async with world.client(key=scoped(world, *(set(Scope) - {scope}))) as client:
            answer = await ask(client, method, path)
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing"), path
        assert scope.value in answer.json()["detail"]
        tried += 1
    assert tried > 20
    assert not world.backend.accepted


async def test_every_operation_opens_for_its_scope(world: World) -> None:
    for method, path, scope in operations(world.app):
        world.door.keys.forget("k3")
        async with world.client(key=scoped(world, scope), generate_timeout_s=0.01) as client:
            answer = await ask(client, method, path, key_id="nobody")
        assert answer.status_code not in {401, 403}, path


async def test_every_operation_refuses_who_shows_no_key(world: World) -> None:
    async with world.client(key=None) as client:
        for method, path, _ in operations(world.app):
            assert (await ask(client, method, path)).status_code == 401, path


async def test_another_tenants_things_are_not_found_by_any_operation(world: World) -> None:
    async with world.client() as mine:
        order = {"avatar_id": "ada", "num_pieces": 1}
        task_id = (await mine.post("/api/v1/content/batch", json=order)).json()["task_id"]
    world.backend.finish(task_id)
    (piece_id,) = world.backend.pieces
    review = world.backend.hold(piece_id)
    world.backend.book("a", piece_id=piece_id)
    before = world.backend.avatars["ada"]
    async with world.client(key=OTHER_KEY) as other:
        for method, path, _ in operations(world.app):
            answer = await ask(other, method, path, task_id=task_id, piece_id=piece_id)
            if path in LISTS and method == "get":
                listed = {row.get("key_id") for row in answer.json()[LISTS[path]]}
                assert not listed & {"k1", None}, path
            elif path == UPLOADS:
                told = (await other.post(UPLOADS, json={"piece_ids": [piece_id]})).json()
                assert told["results"][0]["code"] == "piece_not_found"
            elif path == "/api/v1/avatars/readiness":
                assert answer.json()["total"] == 0
            elif path not in NOBODYS and (method, path) not in {
                ("post", "/api/v1/avatars"),
                ("post", "/api/v1/keys"),
            }:
                assert answer.status_code == 404, f"{method} {path}: {answer.text}"
    assert world.backend.avatars["ada"] == before
    assert world.backend.reviews[piece_id] == review
    assert not world.backend.reconciled
    assert not world.backend.checked
    assert not world.backend.captioned
    assert set(world.backend.accepted) == {task_id}
    assert "k1" in world.backend.keys


async def test_a_new_key_works_and_is_shown_once(world: World, client: httpx2.AsyncClient) -> None:
    limit = {"requests": 7, "window_s": 3}
    body = {"name": "ci", "scopes": ["read"], "limit": limit, "expires_at": "2030-01-01T00:00:00Z"}
    issued = await client.post(KEYS, json=body)
    assert issued.status_code == 201
    assert "no-store" in issued.headers["cache-control"]
    key = issued.json()["key"]
    async with world.client(key=key) as reader:
        answer = await reader.get("/api/v1/avatars")
        assert answer.status_code == 200
        assert answer.headers["ratelimit-policy"] == '"key";q=7;w=3'
        assert (await reader.get(KEYS)).status_code == 403
    listed = await client.get(KEYS)
    secret = key.split("_", 2)[2]
    assert secret not in listed.text
    assert "sha256" not in listed.text
    assert issued.json()["key_id"] in [row["key_id"] for row in listed.json()["keys"]]


async def test_a_revoked_key_is_refused_at_once(world: World, client: httpx2.AsyncClient) -> None:
    issued = (await client.post(KEYS, json={"name": "ci", "scopes": ["read"]})).json()
    async with world.client(key=issued["key"]) as reader:
        assert (await reader.get("/api/v1/avatars")).status_code == 200
        assert (await client.delete(f"{KEYS}/{issued['key_id']}")).status_code == 200
        assert (await reader.get("/api/v1/avatars")).status_code == 401


async def test_nobody_gives_on_what_they_do_not_have(world: World) -> None:
    async with world.client(key=scoped(world, Scope.ADMIN)) as client:
        answer = await client.post(KEYS, json={"name": "more", "scopes": ["admin", "write"]})
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    assert answer.json()["field"] == "scopes"


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_in_the_past", "expires_at"),
        ({"scopes": []}, "validation_error", "scopes"),
        ({"scopes": ["everything"]}, "validation_error", "scopes.0"),
        ({"name": " "}, "validation_error", "name"),
        ({"limit": {"requests": 0}}, "validation_error", "limit.requests"),
    ],
)
async def test_a_key_that_makes_no_sense_is_refused(
    client: httpx2.AsyncClient, change: dict[str, Any], code: str, field: str
) -> None:
    answer = await client.post(KEYS, json={"name": "ci", "scopes": ["read"]} | change)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json()["field"] == field


async def test_a_key_opens_nothing_once_it_has_expired_though_it_is_remembered(
    world: World,
) -> None:
    moment = [NOW]
    keys = type(world.door.keys)(world.backend, now=lambda: moment[0])  # type: ignore[call-arg]
    key = scoped(world, Scope.READ, expires_at=NOW + timedelta(seconds=1))
    async with world.client(key=key, keys=keys) as client:
        assert (await client.get("/api/v1/avatars")).status_code == 200
        moment[0] += timedelta(seconds=1)
        assert (await client.get("/api/v1/avatars")).status_code == 401


async def test_who_asks_too_often_is_told_when_to_come_back(world: World) -> None:
    key = scoped(world, Scope.READ, limit=RateLimit(requests=2, window_s=3600))
    async with world.client(key=key) as client:
        answers = [await client.get("/api/v1/avatars") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["ratelimit"].split(";")[1] for answer in answers] == [
        "r=1",
        "r=0",
        "r=0",
    ]
    assert answers[2].json()["code"] == "rate_limited"
    assert 0 < int(answers[2].headers["retry-after"]) <= 1800
    async with world.client(key=KEY) as other:
        assert (await other.get("/api/v1/avatars")).status_code == 200


def test_a_bucket_refills_evenly_and_never_overflows() -> None:
    limits, limit = RateLimits(), RateLimit(requests=10, window_s=10)
    first = [limits.take("a", limit, now=0).retry_after_s for _ in range(11)]
    assert first == [None] * 10 + [1]
    assert limits.take("a", limit, now=1).retry_after_s is None
    assert limits.take("a", limit, now=1).retry_after_s == 1
    assert limits.take("a", limit, now=1000).remaining == 9
    assert limits.take("b", limit, now=1000).remaining == 9


def test_callers_without_end_do_not_fill_the_memory() -> None:
    limits = RateLimits()
    for number in range(MAX_CALLERS + 10):
        limits.take(str(number), RateLimit(), now=0)
    assert limits.take("0", RateLimit(requests=1), now=0).retry_after_s is None
