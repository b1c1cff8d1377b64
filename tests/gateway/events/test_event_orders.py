"""An order by event gets the answer that it would get over HTTP, as a fact."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.gateway.domain.request_ids import task_id_of
from services.gateway.handler.event_door import TakeOrders
from shared.events import TaskRefused
from shared.foreign import ReceivedRequest
from shared.outcomes import TryLater
from tests.eventually import eventually
from tests.gateway.backend import NOW, TENANT
from tests.gateway.conftest import World
from tests.gateway.events.door import ORDER, EventDoor, attributes

BY_KEY: dict[str, Any] = {"idempotency_key": "spring"}


async def test_a_request_is_accepted_with_the_id_its_sender_could_compute(
    events: EventDoor,
) -> None:
    await events.request(headers=attributes("17"))
    [accepted] = await events.accepted()
    assert accepted.task_id == task_id_of(TENANT, "ce:/planner 17")
    assert (accepted.asker.source, accepted.asker.id) == ("/planner", "17")
    assert (accepted.request_id, accepted.avatar_id) == ("r-1", "ada")
    assert (accepted.kind, accepted.total) == ("batch", 3)
    assert accepted.deadline_at > accepted.accepted_at
    assert list(events.backend.accepted) == [accepted.task_id]
    assert events.backend.accepted[accepted.task_id].lane == "bulk"


def test_the_formula_of_task_ids_never_changes() -> None:
    assert task_id_of("default", "key:spring") == "112f3d17-3197-58ea-8b15-e8273d51bdcb"


async def test_a_single_piece_can_be_ordered(events: EventDoor) -> None:
    order = {"avatar_id": "ada", "custom_prompt": "reading", "platform": "x", "seed": 7}
    await events.request(order, kind="single", **BY_KEY)
    [accepted] = await events.accepted()
    assert (accepted.kind, accepted.total) == ("single", 1)
    [brief] = events.backend.accepted[accepted.task_id].briefs
    assert (brief.seed, "reading" in brief.prompt) == (7, True)


async def test_a_capa1_piece_by_a_template_may_go_unjudged(events: EventDoor) -> None:
    await events.request({"avatar_id": "ada", "safety_check": False}, kind="single", **BY_KEY)
    [accepted] = await events.accepted()
    [brief] = events.backend.accepted[accepted.task_id].briefs
    assert (brief.safety_check, brief.template_id is None) == (False, False)


async def test_asking_twice_orders_once_and_is_answered_once(events: EventDoor) -> None:
    await events.request(headers=attributes("17"))
    await events.settled()  # two at the same time may be answered in either order
    await events.request(headers=attributes("17"), request_id="r-2")
    [accepted] = await events.accepted()
    assert accepted.request_id == "r-1"
    assert len(events.backend.tasks) == 1
    assert not await events.refused()


async def test_the_key_counts_for_more_than_the_event_id(events: EventDoor) -> None:
    await events.request(headers=attributes("17"), **BY_KEY)
    await events.request(headers=attributes("18"), request_id="r-2", **BY_KEY)
    [accepted] = await events.accepted()
    assert accepted.task_id == task_id_of(TENANT, "key:spring")


async def test_other_sources_and_tenants_may_use_the_same_id(events: EventDoor) -> None:
    events.backend.avatar("theirs", tenant="other")
    await events.request(headers=attributes("17"))
    await events.request(headers=attributes("17", source="/another"))
    theirs = ORDER | {"avatar_id": "theirs"}
    await events.request(theirs, tenant="other", headers=attributes("17"))
    assert len({accepted.task_id for accepted in await events.accepted()}) == 3


async def test_a_key_used_over_http_names_that_task(events: EventDoor, world: World) -> None:
    async with world.client() as client:
        answer = await client.post(
            "/api/v1/content/batch", json=ORDER, headers={"Idempotency-Key": "spring"}
        )
    await events.request(**BY_KEY)
    [accepted] = await events.accepted()
    assert accepted.task_id == answer.json()["task_id"]
    assert len(events.backend.tasks) == 1


async def test_a_key_used_by_event_names_that_task_over_http(
    events: EventDoor, world: World
) -> None:
    await events.request(**BY_KEY)
    [accepted] = await events.accepted()
    async with world.client() as client:
        answer = await client.post(
            "/api/v1/content/batch", json=ORDER, headers={"Idempotency-Key": "spring"}
        )
    assert answer.json()["task_id"] == accepted.task_id
    assert len(events.backend.tasks) == 1


REFUSED: list[dict[str, Any]] = [
    {"order": {"num_pieces": 3}},
    {"order": ORDER | {"num_pieces": 0}},
    {"order": ORDER | {"num_pieces": 501}},
    {"order": ORDER | {"num_pieces": "many"}},
    {"order": ORDER | {"platform": "fax"}},
    {"order": ORDER | {"colour": "red"}},
    {"order": ORDER | {"callback_url": "https://example.com"}},
    {"order": ORDER | {"tier_distribution": {"capa1_ratio": 0.5}}},
    {"order": ORDER | {"tier_distribution": {"capa1_ratio": 2}}},
    {"order": ORDER | {"safety_check": False}},
    {"order": ORDER | {"custom_prompts": ["something forbidden"]}},
    {"order": ORDER | {"avatar_id": "nobody"}},
    {"order": ORDER | {"avatar_id": "raw"}},
    {"order": ORDER | {"avatar_id": "frozen"}},
    {"order": {"avatar_id": "ada", "tier": "capa2", "safety_check": False}, "kind": "single"},
    {"order": {"avatar_id": "ada", "template_id": "nowhere"}, "kind": "single"},
    {
        "order": {"avatar_id": "ada", "template_id": "a", "custom_prompt": "b"},
        "kind": "single",
    },
]


@pytest.mark.parametrize("request_", REFUSED, ids=lambda request: str(request["order"])[:40])
async def test_a_refusal_is_the_one_of_the_other_door(
    events: EventDoor, world: World, request_: dict[str, Any]
) -> None:
    events.backend.avatar("raw", lora_weights_url=None)
    events.backend.avatar("frozen", frozen={"at": NOW, "reason": "minors"})
    sequence = await events.request(**request_, **BY_KEY)
    [refused] = await events.refused()
    path = "generate" if request_.get("kind") == "single" else "batch"
    async with world.client() as client:
        answer = (await client.post(f"/api/v1/content/{path}", json=request_["order"])).json()
    told = refused.problem.model_dump(exclude_none=True)
    assert told == {name: answer[name] for name in told}
    assert refused.task_id == task_id_of(TENANT, "key:spring")
    assert (refused.request_id, refused.request_sequence) == ("r-1", sequence)
    assert not events.backend.tasks
    assert not await events.letters()


async def test_an_order_by_event_may_refuse_lesser_images(events: EventDoor) -> None:
    await events.request(ORDER | {"allow_degraded": False}, **BY_KEY)
    [accepted] = await events.accepted()
    briefs = events.backend.accepted[accepted.task_id].briefs
    assert {brief.allow_degraded for brief in briefs} == {False}


async def test_a_request_without_identity_is_refused(events: EventDoor) -> None:
    await events.request()
    [refused] = await events.refused()
    assert (refused.problem.code, refused.problem.status) == ("identity_missing", 422)
    assert refused.task_id == task_id_of(TENANT, "request:r-1")


@pytest.mark.parametrize("key", ["", "k" * 256, "two\nlines", "\u00fc"])
async def test_a_key_that_http_could_not_carry_is_refused(events: EventDoor, key: str) -> None:
    await events.request(idempotency_key=key)
    [refused] = await events.refused()
    assert refused.problem.code == "invalid_idempotency_key"


async def test_the_same_key_for_another_order_is_a_conflict(events: EventDoor) -> None:
    await events.request(**BY_KEY)
    await events.settled()
    await events.request(ORDER | {"num_pieces": 4}, **BY_KEY)
    [refused] = await events.refused()
    assert (refused.problem.code, refused.problem.status) == ("idempotency_conflict", 409)
    assert len(await events.accepted()) == 1


async def test_what_was_refused_is_accepted_once_it_is_filled_in_better(
    events: EventDoor,
) -> None:
    await events.request(ORDER | {"num_pieces": 0}, **BY_KEY)
    [refused] = await events.refused()
    await events.request(**BY_KEY)
    [accepted] = await events.accepted()
    assert accepted.task_id == refused.task_id


def received(age: timedelta) -> ReceivedRequest:
    return ReceivedRequest.model_validate(
        {
            "tenant": TENANT,
            "request_id": "r-1",
            "asker": {"idempotency_key": "spring"},
            "order": ORDER,
            "request_sequence": 7,
            "received_at": datetime.now(UTC) - age,
        }
    )


@pytest.mark.parametrize("part", ["ledger", "ledger.task.accept", "safety"])
async def test_while_a_part_is_away_a_request_waits_but_not_forever(
    world: World, part: str
) -> None:
    world.backend.away.add(part)
    take = TakeOrders(replace(world.door, now=lambda: datetime.now(UTC)))
    with pytest.raises(TryLater):
        await take(received(timedelta(minutes=14)))
    refused = await take(received(timedelta(minutes=16)))
    assert isinstance(refused, TaskRefused)
    assert (refused.problem.code, refused.problem.status) == ("unavailable", 503)


async def test_a_request_that_waited_is_accepted_when_the_part_is_back(events: EventDoor) -> None:
    events.backend.away.add("ledger.task.accept")
    await events.request(**BY_KEY)

    async def asked() -> bool:
        return "ledger.task.accept" in events.backend.asked

    await eventually(asked)
    events.backend.away.clear()
    assert len(await events.accepted()) == 1
