"""An installation that uploads nothing keeps everything private, and refuses what it cannot do."""

import httpx2
import pytest

from tests.gateway.conftest import World

BATCH = "/api/v1/content/batch"
UPLOADS = "/api/v1/content/upload-batch"
ORDER = {"avatar_id": "ada", "num_pieces": 2}


@pytest.fixture
def client(world: World) -> httpx2.AsyncClient:
    """A client of an installation with uploads turned off."""
    return world.client(uploads_enabled=False)


async def test_pieces_are_kept_back_without_asking_for_it(
    world: World, client: httpx2.AsyncClient
) -> None:
    answer = await client.post(BATCH, json=ORDER)
    assert answer.status_code == 202, answer.text
    [task] = world.backend.accepted.values()
    assert {brief.upload_to_storage for brief in task.briefs} == {False}
    assert task.config["upload_to_storage"] is False


async def test_an_order_that_asks_for_an_upload_is_refused(
    world: World, client: httpx2.AsyncClient
) -> None:
    answer = await client.post(BATCH, json=ORDER | {"upload_to_storage": True})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "uploads_disabled")
    assert problem["field"] == "upload_to_storage"
    assert world.backend.accepted == {}


async def test_an_order_that_asks_for_none_is_taken(client: httpx2.AsyncClient) -> None:
    answer = await client.post(BATCH, json=ORDER | {"upload_to_storage": False})
    assert answer.status_code == 202, answer.text


async def test_nothing_is_uploaded_afterwards(client: httpx2.AsyncClient) -> None:
    answer = await client.post(UPLOADS, json={"piece_ids": ["one"]})
    assert (answer.status_code, answer.json()["code"]) == (422, "uploads_disabled")
