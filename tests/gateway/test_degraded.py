"""Whether less than what was ordered will do, and how it shows when it had to."""

from typing import Any

import httpx2
import pytest

from services.gateway.handler.order_bodies import BatchBody, GenerateBody
from services.gateway.handler.ordering import order_body_sha256
from shared.calls import Reason
from tests.builders import generation
from tests.gateway.conftest import World

UNAVAILABLE = Reason(piece_id="p", state="failed", reason="providers_unavailable")
GENERATE, BATCH, SYNC = (f"/api/v1/content/{name}" for name in ("generate", "batch", "batch/sync"))


def says(allowed: bool | None) -> dict[str, Any]:
    """An avatar's fields that say so."""
    return {"meta_data": {"generation_config": {"allow_degraded": allowed}}}


@pytest.mark.parametrize("path", [GENERATE, BATCH, SYNC])
@pytest.mark.parametrize(
    ("ordered", "avatar", "meant"),
    [
        (None, None, True),
        (None, False, False),
        (None, True, True),
        (True, False, True),
        (False, True, False),
        (False, None, False),
    ],
)
async def test_the_order_says_so_else_the_avatar_else_it_is_allowed(
    world: World,
    client: httpx2.AsyncClient,
    path: str,
    ordered: bool | None,
    avatar: bool | None,
    meant: bool,
) -> None:
    world.finish_at_once()
    world.backend.avatar(**says(avatar))
    pieces = {} if path == GENERATE else {"num_pieces": 2}
    order = {"avatar_id": "ada", "allow_degraded": ordered, **pieces}
    answer = await client.post(path, json=order)
    assert answer.status_code in {200, 202}, answer.text
    [task] = world.backend.accepted.values()
    assert {brief.allow_degraded for brief in task.briefs} == {meant}
    assert task.config["allow_degraded"] is meant


async def test_an_avatar_remembers_what_was_said_about_it(
    world: World, client: httpx2.AsyncClient
) -> None:
    answer = await client.patch("/api/v1/avatars/ada", json=says(allowed=False))
    assert answer.status_code == 200, answer.text
    assert answer.json()["meta_data"]["generation_config"]["allow_degraded"] is False
    assert world.backend.avatars["ada"].meta_data.generation_config.allow_degraded is False


@pytest.mark.parametrize("said", [2, "perhaps"])
async def test_what_is_neither_yes_nor_no_is_refused(
    client: httpx2.AsyncClient, said: object
) -> None:
    answer = await client.post(BATCH, json={"avatar_id": "ada", "allow_degraded": said})
    assert (answer.status_code, answer.json()["field"]) == (422, "allow_degraded")


def test_an_order_that_says_so_is_another_order() -> None:
    for body in (GenerateBody, BatchBody):
        prints = {
            order_body_sha256(body(avatar_id="ada", allow_degraded=said))
            for said in (None, True, False)
        }
        assert len(prints) == 3


async def test_a_piece_by_a_fallback_without_the_weights_says_so(
    world: World, client: httpx2.AsyncClient
) -> None:
    made = generation(degraded=True, degraded_reason="no_lora", level=2, lora_applied=False)
    metadata = await metadata_of(world, client, made)
    assert metadata == {
        "degraded": True,
        "degraded_reason": "no_lora",
        "level": 2,
        "source": "generated",
        "cached_from": None,
    }


async def test_a_piece_that_shows_an_earlier_image_names_it(
    world: World, client: httpx2.AsyncClient
) -> None:
    made = generation(
        degraded=True,
        degraded_reason="cached",
        level=3,
        source="cached",
        cached_from="earlier",
        attempt_id="",
    )
    metadata = await metadata_of(world, client, made)
    assert metadata == {
        "degraded": True,
        "degraded_reason": "cached",
        "level": 3,
        "source": "cached",
        "cached_from": "earlier",
    }


async def test_a_piece_as_it_was_ordered_is_not_degraded(
    world: World, client: httpx2.AsyncClient
) -> None:
    assert await metadata_of(world, client, generation()) == {
        "degraded": False,
        "degraded_reason": None,
        "level": 1,
        "source": "generated",
        "cached_from": None,
    }


async def test_of_a_piece_that_is_not_made_yet_nothing_is_said(
    world: World, client: httpx2.AsyncClient
) -> None:
    metadata = await metadata_of(world, client, None, state="requested")
    assert (metadata["degraded"], metadata["level"], metadata["source"]) == (False, None, None)


async def test_a_piece_that_nobody_could_make_is_worth_asking_for_again_later(
    world: World, client: httpx2.AsyncClient
) -> None:
    async def fail(task: Any) -> None:
        world.backend.fail(task.task_id, UNAVAILABLE)
        await world.wire.completed(task.task_id)

    world.backend.on_accept = fail
    answer = await client.post(GENERATE, json={"avatar_id": "ada"})
    assert (answer.status_code, answer.json()["code"]) == (503, "providers_unavailable")
    assert answer.headers["retry-after"] == "60"
    assert answer.headers["location"] == answer.json()["task_url"]


async def metadata_of(
    world: World, client: httpx2.AsyncClient, made: Any, **fields: Any
) -> dict[str, Any]:
    """What the piece's page says about how good it is."""
    order = {"avatar_id": "ada", "num_pieces": 1}
    task_id = (await client.post(BATCH, json=order)).json()["task_id"]
    piece = world.backend.deliver(task_id, 0, generation=made, **fields)
    answer = await client.get(f"/api/v1/content/pieces/{piece.id}")
    assert answer.status_code == 200, answer.text
    names = ("degraded", "degraded_reason", "level", "source", "cached_from")
    metadata = answer.json()["metadata"]
    return {name: metadata[name] for name in names}
