"""Each code of the table can be got for real, and looks as the table says."""

import httpx2
import pytest

from shared.problem_kinds import PROBLEM_KINDS
from shared.problems import Problem
from tests.errors.producers import (
    captioning,
    endings,
    inside,
    orders,
    parts,
    reconciling,
    requests,
    reviewing,
    things,
)
from tests.errors.producers.registry import BATCH, DOOR, INSIDE, LEDGER, ORDER, Expected, RealLedger
from tests.gateway.conftest import World

PRODUCERS = (captioning, endings, inside, orders, parts, reconciling, requests, reviewing, things)
NAME_A_TASK = {"wait_elapsed", "not_confirmed"}


def assert_is(answer: httpx2.Response, code: str, expected: Expected) -> None:
    status = PROBLEM_KINDS[code].status
    body = answer.json()
    assert (answer.status_code, body["status"], body["code"]) == (status, status, code), body
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["type"] == f"urn:atelier:problem:{code}"
    assert body["instance"] == answer.request.url.path
    assert body["detail"]
    assert body.get("field") == expected.field
    assert expected.detail in {None, body["detail"]}
    if status in {429, 503}:
        assert int(answer.headers["retry-after"]) > 0
    if code in NAME_A_TASK:
        assert answer.headers["location"] == body["task_url"]
        assert body["task_url"].endswith(body["task_id"])


@pytest.mark.parametrize("code", DOOR)
async def test_a_refusal_of_the_door(code: str, world: World) -> None:
    act, expected = DOOR[code]
    assert_is(await act(world), code, expected)


@pytest.mark.parametrize("code", LEDGER)
async def test_a_refusal_of_the_ledger_passes_the_door_whole(code: str, ledger: RealLedger) -> None:
    act, expected = LEDGER[code]
    assert_is(await act(ledger), code, expected)


@pytest.mark.parametrize("code", INSIDE)
async def test_a_refusal_where_no_http_is_spoken(code: str, ledger: RealLedger) -> None:
    details = await INSIDE[code](ledger)
    assert (details.code, details.status) == (code, PROBLEM_KINDS[code].status)
    assert details.detail


def test_every_code_of_the_table_has_been_got() -> None:
    got = [*DOOR, *LEDGER, *INSIDE]
    assert len(got) == len(set(got))
    assert set(got) == set(PROBLEM_KINDS)


def test_what_is_got_over_http_is_said_to_be() -> None:
    over_http = {*DOOR, *LEDGER}
    assert over_http == {code for code, kind in PROBLEM_KINDS.items() if "REST" in kind.doors}


@pytest.mark.parametrize(("status", "code"), [(418, "unheard_of"), (400, "avatar_not_found")])
async def test_what_no_table_knows_is_shown_as_our_mistake(
    world: World, status: int, code: str
) -> None:
    async def refuse(_: object) -> None:
        raise Problem(status, code, "A secret of the inside.")

    world.backend.on_accept = refuse
    async with world.client() as client:
        answer = await client.post(BATCH, json=ORDER)
    assert_is(answer, "internal_error", Expected())
    assert "secret" not in answer.text
