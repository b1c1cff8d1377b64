"""No prompt is accepted that safety has anything against, or has not seen."""

from typing import Any

import httpx2
import pytest

from shared.content import Tier
from tests.gateway.conftest import World

GENERATE, BATCH = "/api/v1/content/generate", "/api/v1/content/batch"


async def test_every_final_prompt_is_screened_once_with_what_it_avoids(
    world: World, client: httpx2.AsyncClient
) -> None:
    world.backend.avatar(negative_prompt="blurry")
    order = {"avatar_id": "ada", "num_pieces": 120, "custom_prompts": ["by the sea"]}
    assert (await client.post(BATCH, json=order)).status_code == 202
    (task,) = world.backend.accepted.values()
    asked = [text for request in world.backend.screened for text in request.texts]
    ordered = [(brief.prompt, brief.negative_prompt, brief.tier) for brief in task.briefs]
    assert len(ordered) > len(asked)
    assert [(text.text, text.avoided, text.tier) for text in asked] == list(dict.fromkeys(ordered))
    assert asked[0].tier is Tier.CAPA1
    assert all("blurry" in text.avoided for text in asked)


@pytest.mark.parametrize(
    ("path", "order", "field"),
    [
        (GENERATE, {"custom_prompt": "forbidden"}, "custom_prompt"),
        (BATCH, {"num_pieces": 3, "custom_prompts": ["fine", "forbidden"]}, "custom_prompts.1"),
        (BATCH, {"num_pieces": 1, "custom_prompts": ["Famous Person"]}, "custom_prompts.0"),
    ],
)
async def test_a_blocked_prompt_is_named_and_never_quoted(
    world: World, client: httpx2.AsyncClient, path: str, order: dict[str, Any], field: str
) -> None:
    answer = await client.post(path, json={"avatar_id": "ada"} | order)
    assert answer.status_code == 422
    body = answer.json()
    assert (body["code"], body["field"]) == ("prompt_blocked", field)
    assert "forbidden" not in answer.text
    assert "Famous" not in answer.text
    assert not world.backend.accepted


@pytest.mark.parametrize(
    ("path", "order"),
    [
        (BATCH, {"num_pieces": 1}),
        (BATCH, {"num_pieces": 1, "custom_prompts": ["by the sea"]}),
        (GENERATE, {"custom_prompt": "by the sea"}),
    ],
)
async def test_what_the_avatars_own_words_are_to_blame_for_is_said_of_the_avatar(
    world: World, client: httpx2.AsyncClient, path: str, order: dict[str, Any]
) -> None:
    world.backend.avatar(base_prompt="forbidden")
    answer = await client.post(path, json={"avatar_id": "ada"} | order)
    assert (answer.json()["code"], answer.json()["field"]) == ("prompt_blocked", "avatar_id")


async def test_a_template_that_is_blocked_is_named_by_who_chose_it(
    world: World, client: httpx2.AsyncClient
) -> None:
    template = (await world.door.library.all())[0]
    world.backend.forbidden = template.prompt
    order = {"avatar_id": "ada", "template_id": template.id}
    answer = await client.post(GENERATE, json=order)
    assert (answer.json()["code"], answer.json()["field"]) == ("prompt_blocked", "template_id")


@pytest.mark.parametrize(
    "fine", [["fine"] * 130, [f"fine, {number}" for number in range(130)]], ids=["alike", "own"]
)
async def test_a_prompt_far_down_a_large_order_is_named_by_its_own_place(
    world: World, client: httpx2.AsyncClient, fine: list[str]
) -> None:
    words = [*fine, "forbidden", "forbidden"]
    order = {"avatar_id": "ada", "num_pieces": 140, "custom_prompts": words}
    answer = await client.post(BATCH, json=order)
    assert answer.json()["field"] == "custom_prompts.130"


async def test_an_avatar_may_be_asked_for_by_the_name_that_has_consented_to_it(
    world: World, client: httpx2.AsyncClient
) -> None:
    order = {"avatar_id": "ada", "num_pieces": 1, "custom_prompts": ["Famous Person at sea"]}
    world.backend.avatar(
        likeness={
            "kind": "consented_person",
            "name": "Famous Person",
            "attested_by": "notary",
            "attested_at": "2026-01-01T00:00:00Z",
        }
    )
    assert (await client.post(BATCH, json=order)).status_code == 202
    (task,) = world.backend.accepted.values()
    assert task.briefs[0].likeness_name == "Famous Person"


async def test_a_synthetic_face_consents_to_no_name(
    world: World, client: httpx2.AsyncClient
) -> None:
    world.backend.avatar(likeness={"kind": "synthetic", "name": "Famous Person"})
    order = {"avatar_id": "ada", "num_pieces": 1, "custom_prompts": ["Famous Person at sea"]}
    assert (await client.post(BATCH, json=order)).json()["code"] == "prompt_blocked"


@pytest.mark.parametrize("path", [GENERATE, BATCH])
async def test_no_answer_from_safety_is_no_pass(
    world: World, client: httpx2.AsyncClient, path: str
) -> None:
    world.backend.away.add("safety")
    answer = await client.post(path, json={"avatar_id": "ada"})
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert not world.backend.accepted
