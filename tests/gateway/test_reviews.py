"""Reviewers see what is held, and decide about it."""

from typing import Any

import httpx2
import pytest

from shared.content import BlockCategory, BlockedOn, JudgeReport, Tier
from tests.gateway.backend import SECRET
from tests.gateway.conftest import ORIGIN, World

PATH = "/api/v1/reviews"


def as_another_person(world: World) -> httpx2.AsyncClient:
    """A second key of the same tenant."""
    world.backend.keys["k3"] = world.backend.keys["k1"].model_copy(update={"key_id": "k3"})
    return world.client(key=f"atl_k3_{SECRET}")


async def test_held_pieces_come_in_pages_those_that_wait_longest_first(
    world: World, client: httpx2.AsyncClient
) -> None:
    for number in range(25):
        world.backend.hold(f"p{number}")
    first = (await client.get(PATH)).json()
    second = (await client.get(PATH, params={"cursor": first["next_cursor"]})).json()
    listed = [item["piece_id"] for item in first["reviews"] + second["reviews"]]
    assert listed == [f"p{number}" for number in range(25)]
    assert (len(first["reviews"]), second["next_cursor"]) == (20, None)
    assert first["reviews"][0].keys() >= {"reason", "approvals", "approvals_needed", "expires_at"}


async def test_held_pieces_can_be_chosen(world: World, client: httpx2.AsyncClient) -> None:
    world.backend.hold("a", avatar_id="eve")
    world.backend.hold("b", task_id="t2")
    world.backend.hold("c", verdict={"tier": Tier.CAPA3})
    world.backend.hold("d", verdict={"blocked": BlockCategory.MINORS})

    async def chosen(**query: Any) -> list[str]:
        answer = await client.get(PATH, params=query)
        assert answer.status_code == 200, answer.text
        return [item["piece_id"] for item in answer.json()["reviews"]]

    assert await chosen(avatar_id="eve") == ["a"]
    assert await chosen(task_id="t2") == ["b"]
    assert await chosen(tier="capa3") == ["c"]
    assert await chosen(blocked=True) == ["d"]
    assert await chosen(blocked=False) == ["a", "b", "c"]


@pytest.mark.parametrize(
    "query",
    ["tier=gold", "blocked=perhaps", "limit=0", "limit=51", "cursor=%00", "avatar_id=a.b"],
)
async def test_odd_filters_are_refused(client: httpx2.AsyncClient, query: str) -> None:
    answer = await client.get(f"{PATH}?{query}")
    assert (answer.status_code, answer.json()["field"]) == (422, query.partition("=")[0])


async def test_a_reviewer_is_told_all_that_a_decision_needs(
    world: World, client: httpx2.AsyncClient
) -> None:
    judge = JudgeReport(judge="omni", model="m", image_scores={"sexual": 0.7})
    judged = {"judges": (judge,), "unscored": ("minors",), "approvals_needed": 2}
    world.backend.hold("p", verdict=judged)
    answer = await client.get(f"{PATH}/p")
    assert answer.status_code == 200, answer.text
    assert "no-store" in answer.headers["cache-control"]
    review = answer.json()
    assert review["state"] == "pending_review"
    assert review["ordered"]["prompt"] == "TOK_ada, by a window"
    assert review["captions"]["hooks"] == ["Golden hour."]
    assert review["verdict"]["judges"][0]["image_scores"] == {"sexual": 0.7}
    assert (review["verdict"]["unscored"], review["verdict"]["approvals_needed"]) == (["minors"], 2)
    assert (review["decisions"], review["expires_at"][:10]) == ([], "2026-05-31")


async def test_links_are_for_reviewers_and_live_for_five_minutes(
    world: World, client: httpx2.AsyncClient
) -> None:
    world.backend.hold("p")
    review = (await client.get(f"{PATH}/p")).json()
    for url in (review["image_url"], review["thumbnail_url"]):
        assert url.startswith(f"{ORIGIN}/objects/content/ada/p_token")
        assert url.endswith("&review=1&expires_s=300")


async def test_what_is_no_longer_held_has_no_links(
    world: World, client: httpx2.AsyncClient
) -> None:
    world.backend.hold("p", state="rejected")
    answer = await client.get(f"{PATH}/p")
    assert (answer.json()["image_url"], answer.json()["thumbnail_url"]) == (None, None)
    assert "content/" not in answer.text
    assert "storage.links.sign" not in world.backend.asked


async def test_an_approval_says_who_and_what_the_piece_is_rated(
    world: World, client: httpx2.AsyncClient
) -> None:
    world.backend.hold("p")
    body = {"rating": "suggestive", "reason": " fine with me "}
    answer = await client.post(f"{PATH}/p/approve", json=body)
    assert answer.status_code == 200, answer.text
    review = answer.json()
    assert (review["state"], review["image_url"]) == ("moderated", None)
    (decision,) = review["decisions"]
    assert decision["decision"] == "approve"
    assert (decision["by"], decision["rating"]) == ("k1", "suggestive")
    assert decision["reason"] == "fine with me"


async def test_a_rejection_says_who_and_why(world: World, client: httpx2.AsyncClient) -> None:
    world.backend.hold("p", verdict={"blocked": BlockCategory.MINORS})
    answer = await client.post(f"{PATH}/p/reject", json={"reason": "seven fingers"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == "rejected"
    (decision,) = answer.json()["decisions"]
    assert (decision["by"], decision["reason"]) == ("k1", "seven fingers")


async def test_where_two_have_to_agree_two_keys_have_to_approve(
    world: World, client: httpx2.AsyncClient
) -> None:
    world.backend.hold("p", verdict={"approvals_needed": 2})
    first = await client.post(f"{PATH}/p/approve", json={"rating": "safe"})
    assert first.json()["state"] == "pending_review"
    again = await client.post(f"{PATH}/p/approve", json={"rating": "safe"})
    assert (again.status_code, again.json()["code"]) == (409, "already_approved")
    async with as_another_person(world) as second:
        answer = await second.post(f"{PATH}/p/approve", json={"rating": "safe"})
    assert answer.json()["state"] == "moderated"
    assert [one["by"] for one in answer.json()["decisions"]] == ["k1", "k3"]


async def test_an_absolute_block_cannot_be_approved(
    world: World, client: httpx2.AsyncClient
) -> None:
    blocked = {"blocked": BlockCategory.REAL_PERSON, "blocked_on": BlockedOn.IMAGE}
    world.backend.hold("p", verdict=blocked)
    answer = await client.post(f"{PATH}/p/approve", json={"rating": "safe"})
    assert (answer.status_code, answer.json()["code"]) == (409, "review_blocked")


async def test_what_is_decided_stays_decided(world: World, client: httpx2.AsyncClient) -> None:
    world.backend.hold("p")
    await client.post(f"{PATH}/p/reject", json={"reason": "r"})
    decided = world.backend.reviews["p"]
    bodies = {"approve": {"rating": "safe"}, "reject": {"reason": "r"}}
    for verb, body in bodies.items():
        answer = await client.post(f"{PATH}/p/{verb}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, "review_decided")
    assert world.backend.reviews["p"] == decided


@pytest.mark.parametrize(
    ("verb", "body", "code", "field"),
    [
        ("approve", {}, "rating_required", "rating"),
        ("approve", {"rating": None}, "rating_required", "rating"),
        ("approve", {"rating": "explicit"}, "validation_error", "rating"),
        ("approve", {"rating": "rejected"}, "validation_error", "rating"),
        ("approve", {"rating": "pending_review"}, "validation_error", "rating"),
        ("approve", {"rating": ["safe"]}, "validation_error", "rating"),
        ("approve", {"rating": "safe", "reason": " "}, "validation_error", "reason"),
        ("approve", {"rating": "safe", "by": "k3"}, "validation_error", "by"),
        ("approve", {"rating": "safe", "tier": "capa1"}, "validation_error", "tier"),
        ("reject", {}, "reason_required", "reason"),
        ("reject", {"reason": None}, "reason_required", "reason"),
        ("reject", {"reason": " "}, "validation_error", "reason"),
        ("reject", {"reason": "r" * 1001}, "validation_error", "reason"),
        ("reject", {"reason": "\0"}, "validation_error", "reason"),
        ("reject", {"reason": "r", "rating": "safe"}, "validation_error", "rating"),
    ],
    ids=str,
)
async def test_a_decision_that_is_none_is_refused_and_named(
    world: World,
    client: httpx2.AsyncClient,
    verb: str,
    body: dict[str, Any],
    code: str,
    field: str,
) -> None:
    before = world.backend.hold("p")
    answer = await client.post(f"{PATH}/p/{verb}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json()["field"] == field
    assert world.backend.reviews["p"] == before


async def test_another_tenants_reviews_are_not_found(
    world: World, client: httpx2.AsyncClient
) -> None:
    before = world.backend.hold("p", tenant="other")
    answers = [
        await client.get(f"{PATH}/p"),
        await client.post(f"{PATH}/p/approve", json={"rating": "safe"}),
        await client.post(f"{PATH}/p/reject", json={"reason": "r"}),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (404, "review_not_found")
    assert (await client.get(PATH)).json()["reviews"] == []
    assert world.backend.reviews["p"] == before


async def test_a_decision_stands_though_links_cannot_be_signed(
    world: World, client: httpx2.AsyncClient
) -> None:
    world.backend.hold("p", verdict={"approvals_needed": 2})
    world.backend.away.add("storage")
    answer = await client.post(f"{PATH}/p/approve", json={"rating": "safe"})
    assert (answer.status_code, len(answer.json()["decisions"])) == (200, 1)
    assert (await client.get(f"{PATH}/p")).status_code == 503
