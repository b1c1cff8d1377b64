"""Operators see every provider call, and reconcile those that ended nobody knows how."""

from typing import Any

import httpx2
import pytest

from tests.gateway.conftest import World

PATH = "/api/v1/attempts"


async def test_calls_come_in_pages_the_newest_first(
    world: World, client: httpx2.AsyncClient
) -> None:
    for number in range(25):
        world.backend.book(f"a{number}")
    world.backend.book("theirs", tenant="other")
    first = (await client.get(PATH)).json()
    second = (await client.get(PATH, params={"cursor": first["next_cursor"]})).json()
    listed = [attempt["attempt_id"] for attempt in first["attempts"] + second["attempts"]]
    assert listed == [f"a{number}" for number in reversed(range(25))]
    assert (len(first["attempts"]), second["next_cursor"]) == (20, None)


async def test_a_call_says_what_a_bill_is_compared_with(
    world: World, client: httpx2.AsyncClient
) -> None:
    world.backend.book("a", call_id="fc-01", cost_usd_micros=12_345)
    [attempt] = (await client.get(PATH)).json()["attempts"]
    assert attempt["cost_usd"] == 0.012345
    assert attempt["duration_s"] == 300.012
    assert attempt["call_id"] == "fc-01"
    assert attempt["kind"] == "image"
    assert (attempt["outcome"], attempt["error_code"]) == ("unknown", "TIMEOUT")
    assert attempt["reconciled_at"] is None


async def test_a_call_for_captions_says_so(world: World, client: httpx2.AsyncClient) -> None:
    world.backend.book("a", kind="captions", provider="anthropic")
    [attempt] = (await client.get(PATH)).json()["attempts"]
    assert (attempt["kind"], attempt["provider"]) == ("captions", "anthropic")


async def test_calls_can_be_chosen(world: World, client: httpx2.AsyncClient) -> None:
    world.backend.book("a", outcome="succeeded", error_code=None)
    world.backend.book("b", provider="replicate", piece_id="q")
    world.backend.book("c")

    async def chosen(**query: str) -> list[str]:
        answer = await client.get(PATH, params=query)
        assert answer.status_code == 200, answer.text
        return [attempt["attempt_id"] for attempt in answer.json()["attempts"]]

    assert await chosen(outcome="unknown") == ["c", "b"]
    assert await chosen(provider="replicate") == ["b"]
    assert await chosen(piece_id="q", outcome="succeeded") == []
    assert await chosen() == ["c", "b", "a"]


@pytest.mark.parametrize(
    "query",
    ["outcome=lost", "provider=A B", "piece_id=a.b", "limit=0", "limit=101", "cursor=%00"],
)
async def test_odd_filters_are_refused(client: httpx2.AsyncClient, query: str) -> None:
    answer = await client.get(f"{PATH}?{query}")
    assert (answer.status_code, answer.json()["field"]) == (422, query.partition("=")[0])


async def test_a_charge_is_booked_with_its_cost_by_whose_key_it_is(
    world: World, client: httpx2.AsyncClient
) -> None:
    world.backend.book("a")
    said = {"result": "charged", "cost_usd": 0.012345, "note": " invoice 7 "}
    answer = await client.post(f"{PATH}/a/reconcile", json=said)
    assert answer.status_code == 200, answer.text
    assert answer.json()["cost_usd"] == 0.012345
    assert answer.json()["reconciled_by"] == "k1"
    [request] = world.backend.reconciled
    assert (request.result, request.cost_usd_micros) == ("charged", 12_345)
    assert (request.by, request.note) == ("k1", "invoice 7")
    assert (await client.get(PATH, params={"outcome": "unknown"})).json()["attempts"] == []


async def test_what_was_not_charged_costs_nothing(world: World, client: httpx2.AsyncClient) -> None:
    world.backend.book("a")
    answer = await client.post(f"{PATH}/a/reconcile", json={"result": "not_charged"})
    assert answer.status_code == 200, answer.text
    [request] = world.backend.reconciled
    assert (request.result, request.cost_usd_micros, request.note) == ("not_charged", 0, "")


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"result": "charged"}, "cost_required", "cost_usd"),
        ({"result": "charged", "cost_usd": None}, "cost_required", "cost_usd"),
        ({"result": "not_charged", "cost_usd": 0.01}, "cost_not_allowed", "cost_usd"),
        ({"result": "charged", "cost_usd": 0}, "validation_error", "cost_usd"),
        ({"result": "charged", "cost_usd": -1}, "validation_error", "cost_usd"),
        ({"result": "charged", "cost_usd": 101}, "validation_error", "cost_usd"),
        ({"result": "charged", "cost_usd": 0.0000001}, "validation_error", "cost_usd"),
        ({"result": "perhaps"}, "validation_error", "result"),
        ({"result": "not_charged", "note": "x" * 501}, "validation_error", "note"),
        ({"result": "not_charged", "by": "somebody else"}, "validation_error", "by"),
        ({}, "validation_error", "result"),
    ],
)
async def test_what_makes_no_sense_is_refused_and_books_nothing(
    world: World, client: httpx2.AsyncClient, body: dict[str, Any], code: str, field: str
) -> None:
    world.backend.book("a")
    answer = await client.post(f"{PATH}/a/reconcile", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json()["field"] == field
    assert not world.backend.reconciled


async def test_a_call_whose_end_is_known_cannot_be_reconciled(
    world: World, client: httpx2.AsyncClient
) -> None:
    world.backend.book("a", outcome="failed")
    answer = await client.post(f"{PATH}/a/reconcile", json={"result": "not_charged"})
    assert (answer.status_code, answer.json()["code"]) == (409, "attempt_not_unknown")


async def test_a_call_of_nobody_or_of_others_is_not_found(
    world: World, client: httpx2.AsyncClient
) -> None:
    world.backend.book("theirs", tenant="other")
    for attempt_id in ("theirs", "nothing"):
        answer = await client.post(f"{PATH}/{attempt_id}/reconcile", json={"result": "not_charged"})
        assert (answer.status_code, answer.json()["code"]) == (404, "attempt_not_found")
