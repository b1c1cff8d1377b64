"""Paths and queries with bytes that no id, filter or cursor has."""

import re
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from tests.gateway.conftest import World

ODD = [
    "%00",
    "%0a",
    "%2e",
    "%7f",
    "%ff",
    "%80abc",
    "%ed%a0%80",
    "..%2f..",
    "a%20b",
    "é",
    "x" * 5000,
]
ODD_VALUES = [*ODD, "", "-1", "1e3", "NaN", "9" * 5000]


def operations(app: FastAPI) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in app.openapi()["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd[:10])
async def test_no_operation_finds_anything_under_an_odd_path(
    world: World, client: httpx2.AsyncClient, odd: str
) -> None:
    tried = 0
    for method, path, _ in operations(world.app):
        if "{" not in path:
            continue
        body: dict[str, Any] | None = {} if method in {"post", "patch"} else None
        answer = await client.request(method, re.sub(r"\{.*?\}", odd, path), json=body)
        # Some are not even an address of that form: `..` may make it another one's.
        assert answer.status_code in {404, 405, 422}, f"{method} {path}: {answer.text}"
        tried += 1
    assert tried > 8


@pytest.mark.parametrize("odd", ODD_VALUES, ids=lambda odd: odd[:10])
async def test_no_operation_breaks_on_an_odd_query(
    world: World, client: httpx2.AsyncClient, odd: str
) -> None:
    tried = 0
    for method, path, operation in operations(world.app):
        for parameter in operation.get("parameters", ()):
            if parameter["in"] != "query":
                continue
            asked = path.format(avatar_id="ada", task_id="t", piece_id="p", key_id="k")
            answer = await client.request(method, f"{asked}?{parameter['name']}={odd}")
            assert answer.status_code in {200, 422}, f"{asked} {parameter['name']}: {answer.text}"
            tried += 1
    assert tried > 8


async def test_members_of_a_query_that_nobody_knows_change_nothing(
    client: httpx2.AsyncClient,
) -> None:
    assert (await client.get("/api/v1/avatars?%00=1&%ff=2")).status_code == 200
