"""Captions by an `Idempotency-Key`: paid for once, answered alike, whatever dies in between."""

import asyncio
from typing import Any

import httpx2
import pytest
from structlog.testing import capture_logs

from shared import calls
from shared.calls import CAPTIONS_LIMIT_S, CaptionsWritten
from shared.content import Captions, CaptionSource
from shared.outcomes import TryLater
from tests.gateway.conftest import World

PATH = "/api/v1/content/hooks"
PROMPT = {"prompt": "by the sea", "platform": "x"}
BY_KEY = {"Idempotency-Key": "k-1"}


async def ask(client: httpx2.AsyncClient, **body: Any) -> httpx2.Response:
    return await client.post(PATH, json=PROMPT | body, headers=BY_KEY)


async def test_the_same_key_and_body_get_the_same_answer_and_pay_once(
    world: World, client: httpx2.AsyncClient
) -> None:
    first = await ask(client)
    again = await ask(client, count=5)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert first.json()["cost"] == 0.001
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert len(world.backend.captioned) == 1


async def test_a_crowd_with_one_key_is_answered_by_one_call(
    world: World, client: httpx2.AsyncClient
) -> None:
    answers = await asyncio.gather(*(ask(client) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert len(world.backend.captioned) == 1


async def test_another_body_is_a_conflict(world: World, client: httpx2.AsyncClient) -> None:
    await ask(client)
    refused = await ask(client, prompt="by a lake")
    assert (refused.status_code, refused.json()["code"]) == (409, "idempotency_conflict")
    assert refused.json()["field"] == "Idempotency-Key"
    assert len(world.backend.captioned) == 1


async def test_keys_are_each_tenants_own(world: World, client: httpx2.AsyncClient) -> None:
    await ask(client)
    async with world.client(key="atl_k2_s3cret-s3cret-s3cret") as other:
        assert "idempotency-replayed" not in (await ask(other)).headers
    assert len(world.backend.captioned) == 2


async def test_while_another_process_answers_it_nobody_else_pays(
    world: World, client: httpx2.AsyncClient
) -> None:
    async def theirs(_: calls.ClaimRequest) -> calls.RequestClaim:
        return calls.RequestClaim(state="wait")

    world.backend.instead["ledger.request.claim"] = theirs
    refused = await ask(client)
    assert (refused.status_code, refused.json()["code"]) == (409, "request_under_way")
    assert int(refused.headers["retry-after"]) > 0
    assert not world.backend.captioned


async def test_what_is_refused_before_it_costs_leaves_the_key_free(
    world: World, client: httpx2.AsyncClient
) -> None:
    assert (await ask(client, prompt="something forbidden")).status_code == 422
    assert not world.backend.claimed
    assert (await ask(client)).status_code == 200


async def test_what_never_came_may_be_paid_for_once_more_and_not_a_third_time(
    world: World, client: httpx2.AsyncClient
) -> None:
    world.backend.away.add("hooks.write")
    codes = [(await ask(client)).json()["code"] for _ in range(3)]
    assert codes == ["captions_not_confirmed"] * 2 + ["request_lost"]
    assert world.backend.asked.count("hooks.write") == 2
    world.backend.away.clear()
    lost = await ask(client)
    assert (lost.status_code, lost.json()["code"]) == (409, "request_lost")


async def test_the_key_is_held_for_longer_than_the_call_may_take(
    world: World, client: httpx2.AsyncClient
) -> None:
    claims: list[calls.ClaimRequest] = []

    async def claim(request: calls.ClaimRequest) -> calls.RequestClaim:
        claims.append(request)
        return calls.RequestClaim(state="done", answer={"captions": [], "cost": 0})

    world.backend.instead["ledger.request.claim"] = claim
    await ask(client)
    assert claims[0].lease_s > CAPTIONS_LIMIT_S


async def test_the_answer_that_counts_is_the_one_that_was_kept_first(
    world: World, client: httpx2.AsyncClient
) -> None:
    async def answered_meanwhile(_: calls.WriteCaptions) -> CaptionsWritten:
        [claimed] = world.backend.claimed.values()
        claimed.answer = {"captions": [], "cost": 0.5}
        captions = Captions(source=CaptionSource.TEMPLATE, hooks=("ours",))
        return CaptionsWritten(captions=(captions,))

    world.backend.instead["hooks.write"] = answered_meanwhile
    assert (await ask(client)).json() == {"captions": [], "cost": 0.5}


async def test_without_leave_nothing_is_bought(world: World, client: httpx2.AsyncClient) -> None:
    world.backend.away.add("ledger.request.claim")
    refused = await ask(client)
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert not world.backend.captioned


@pytest.mark.parametrize("lost", ["ledger.request.complete", "ledger.request.release"])
async def test_what_cannot_be_kept_is_answered_all_the_same(
    world: World, client: httpx2.AsyncClient, lost: str
) -> None:
    async def away(_: object) -> None:
        raise TryLater("nobody answers")

    world.backend.instead[lost] = away
    with capture_logs() as logs:
        first = await ask(client)
        blocked = await client.post(
            PATH,
            json=PROMPT | {"prompt": "hunter2 forbidden"},
            headers={"Idempotency-Key": "k-2"},
        )
    assert (first.status_code, blocked.status_code) == (200, 422)
    (told,) = [entry for entry in logs if entry["event"].startswith("request.")]
    assert told["cause"] == "TryLater"
    assert "hunter2" not in str(logs)
