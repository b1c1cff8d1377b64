"""`atelier keys`: against a real gateway on a socket, and against what is none."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from shared.calls import Scope
from tests.cli import served
from tests.cli.in_process import Said
from tests.cli.served import Run as Keys
from tests.gateway.backend import NOW, SECRET
from tests.gateway.conftest import World, app, world

__all__ = ["app", "world"]


async def run(url: str, *arguments: str, **how: Any) -> Said:
    """`atelier keys …` for the gateway at `url`."""
    return await served.run(url, "keys", *arguments, **how)


@pytest.fixture
async def keys(world: World) -> AsyncIterator[Keys]:
    """Run `atelier keys …` with a key of the first tenant."""
    async with served.served(world) as url:
        yield lambda *arguments, **how: run(url, *arguments, **how)


async def opens(world: World, key: str) -> bool:
    async with world.client(key=key) as client:
        return (await client.get("/api/v1/avatars")).status_code == httpx2.codes.OK


async def test_a_new_key_is_alone_on_stdout_and_works(keys: Keys, world: World) -> None:
    said = await keys("issue", "nightly", "--scopes", "read", "--limit", "7/3")
    assert said.code == 0, said.err
    assert "cannot be shown again" in said.err
    assert said.out.count("\n") == 1
    assert await opens(world, said.out.strip())


async def test_a_new_key_is_told_whole_to_machines(keys: Keys) -> None:
    wishes = ("--scopes", "read, write", "--limit", "7/3", "--json")
    issued = (await keys("issue", "nightly", *wishes)).json
    assert issued["key"].startswith(f"atl_{issued['key_id']}_")
    assert issued["scopes"] == ["read", "write"]
    assert issued["limit"] == {"requests": 7, "window_s": 3}
    assert issued["expires_at"] is None


async def test_keys_are_listed_with_their_state_and_without_their_secrets(
    keys: Keys, world: World
) -> None:
    first = world.backend.keys["k1"]
    ended = {"key_id": "k3", "name": "\x1b[31mended", "expires_at": NOW - timedelta(days=1)}
    world.backend.keys["k3"] = first.model_copy(update=ended)
    said = await keys("list")
    assert said.code == 0, said.err
    assert "valid" in said.out
    assert "expired 2026-04-30" in said.out
    assert "\x1b" not in said.out
    assert SECRET not in said.out
    assert {key["key_id"] for key in (await keys("list", "--json")).json} == {"k1", "k3"}


async def test_a_revoked_key_opens_nothing_and_nobody_revokes_by_accident(
    keys: Keys, world: World
) -> None:
    issued = (await keys("issue", "nightly", "--json")).json
    assert (await keys("revoke", issued["key_id"], answer="n\n")).code == 1
    assert await opens(world, issued["key"])
    assert (await keys("revoke", issued["key_id"], "--yes")).code == 0
    assert not await opens(world, issued["key"])


async def test_refusals_are_told_with_code_detail_and_next_step(keys: Keys, world: World) -> None:
    unknown = await keys("revoke", "nobody", "--yes")
    assert unknown.code == 1
    assert "key_not_found: " in unknown.err
    assert unknown.err.count("\n") == 2
    wrong = await keys("list", key="atl_k1_not-the-secret-not-it")
    assert (wrong.code, "unauthorized" in wrong.err) == (1, True)
    assert "not-the-secret" not in wrong.err
    two = await keys("issue", " ", "--scopes", "everything")
    assert "validation_error: " in two.err
    assert "name" in two.err
    assert "scopes" in two.err
    reader = world.backend.keys["k1"].model_copy(
        update={"key_id": "k3", "scopes": frozenset({Scope.READ})}
    )
    world.backend.keys["k3"] = reader
    assert "scope_missing" in (await keys("list", key=f"atl_k3_{SECRET}")).err


@pytest.mark.parametrize("limit", ["600", "a/b", "²/1", "-1/60", "600/60/1"])
async def test_a_limit_that_is_none_is_wrong_usage(limit: str) -> None:
    said = await run("http://127.0.0.1:9", "issue", "nightly", f"--limit={limit}")
    assert (said.code, "600/60" in said.err) == (2, True)


@pytest.mark.parametrize(
    "key", [None, "", "hunter22", "atl_ä_hunter22hunter22", "atl_k_hunter22\x07"]
)
async def test_what_is_no_key_is_never_sent_nor_shown(key: str | None) -> None:
    said = await run("http://127.0.0.1:9", "list", key=key)
    assert said.code == 1
    assert "ATELIER_API_KEY" in said.err
    assert "hunter22" not in said.out + said.err


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "nowhere", "http://a:9999999"])
async def test_a_gateway_that_is_away_is_told_with_what_to_do(url: str) -> None:
    said = await run(url, "list")
    assert (said.code, "ATELIER_URL" in said.err) == (1, True)


@pytest.mark.parametrize(
    "answer",
    [
        Response("<html>hello</html>", content_type="text/html"),
        Response("[]", content_type="application/json"),
        Response("<html>oops</html>", status=502, content_type="text/html"),
        Response('{"code": 7}', status=500, content_type="application/json"),
        Response("", status=301, headers={"Location": "http://127.0.0.1:9/elsewhere"}),
    ],
)
async def test_who_is_no_gateway_is_told_apart(httpserver: HTTPServer, answer: Response) -> None:
    httpserver.expect_request("/api/v1/keys").respond_with_response(answer)
    said = await run(httpserver.url_for(""), "list")
    assert said.code == 1
    assert "no answer of a gateway" in said.err
