"""Pictures in answers: lent where they lie elsewhere, bounded, and else linked."""

import asyncio
import base64
from pathlib import Path
from typing import Any, NoReturn

import httpx2
import pytest

from services.gateway.adapters.object_directory import ObjectDirectory
from services.gateway.handler.embedding_room import (
    MOST_AT_A_TIME_BYTES,
    MOST_IN_AN_ANSWER_BYTES,
    EmbeddingRoom,
)
from services.gateway.ports import FoundFile
from shared import calls
from shared.outcomes import TryLater
from shared.problems import Problem
from tests.gateway.conftest import World

AVATAR = "/api/v1/content/avatar/ada/content"
LENT = "data:image/png;base64," + base64.b64encode(b"lent").decode()


async def kept_back(world: World, client: httpx2.AsyncClient, count: int = 1) -> list[str]:
    """Keys of images that were not uploaded."""
    order = {"avatar_id": "ada", "num_pieces": count}
    task_id = (await client.post("/api/v1/content/batch", json=order)).json()["task_id"]
    fields: dict[str, Any] = {"uploaded": False, "public": False}
    pieces = [world.backend.deliver(task_id, index, **fields) for index in range(count)]
    return [piece.object_key or "" for piece in pieces]


async def shown(client: httpx2.AsyncClient) -> list[str]:
    answer = await client.get(AVATAR)
    assert answer.status_code == 200, answer.text
    return [piece["url"] for piece in answer.json()["content"]]


async def test_where_files_lie_elsewhere_their_bytes_are_lent(
    world: World, client: httpx2.AsyncClient
) -> None:
    keys = await kept_back(world, client, 20)
    assert await shown(client) == [LENT] * 20
    assert {lent.key for lent in world.backend.lent} > set(keys)
    assert {lent.tenant for lent in world.backend.lent} == {"default"}
    assert not world.backend.staging.lying
    assert "storage.links.sign" not in world.backend.asked


@pytest.mark.parametrize("trouble", ["refused", "away", "staging"])
async def test_what_cannot_be_lent_is_linked(
    world: World, client: httpx2.AsyncClient, trouble: str
) -> None:
    async def refuse(_: object) -> NoReturn:
        raise Problem(404, "object_not_found", "There is no such file.")

    await kept_back(world, client)
    match trouble:
        case "refused":
            world.backend.instead["storage.object.lend"] = refuse
        case "away":
            world.backend.away.add("storage.object.lend")
        case "staging":
            world.backend.staging.is_away = True
    (url,) = await shown(client)
    assert "signature=" in url


async def test_a_storage_that_lends_nothing_is_not_asked_for_every_file(
    world: World, client: httpx2.AsyncClient
) -> None:
    await kept_back(world, client, 20)

    async def hang(_: object) -> NoReturn:
        await asyncio.sleep(0)
        raise TryLater("the store is away")

    world.backend.instead["storage.object.lend"] = hang
    assert all("signature=" in url for url in await shown(client))
    assert world.backend.asked.count("storage.object.lend") < 40


async def test_few_files_pass_through_at_a_time_for_all_answers_together(
    world: World, client: httpx2.AsyncClient
) -> None:
    await kept_back(world, client, 20)
    under_way, most = 0, 0
    as_many_as_may = asyncio.Event()

    async def slowly(request: calls.LendBytes) -> calls.LentBytes:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        if most >= 8:
            as_many_as_may.set()
        await as_many_as_may.wait()
        await asyncio.sleep(0.02)  # long enough for more, if they may
        under_way -= 1
        image = await world.backend.staging.put(request.name, b"lent", media_type="image/png")
        return calls.LentBytes(image=image)

    world.backend.instead["storage.object.lend"] = slowly
    await asyncio.gather(*(shown(client) for _ in range(3)))
    assert most == 8


async def test_an_answer_never_holds_more_picture_than_fits(
    world: World, client: httpx2.AsyncClient
) -> None:
    (key,) = await kept_back(world, client)
    world.put("private", key)
    with (world.objects / "private" / key).open("r+b") as file:
        file.truncate(MOST_IN_AN_ANSWER_BYTES + 1)  # sparse
    (url,) = await shown(client)
    assert "signature" in url


async def test_what_is_lent_is_counted_before_it_is_read(
    world: World, client: httpx2.AsyncClient
) -> None:
    await kept_back(world, client)

    async def huge(request: calls.LendBytes) -> calls.LentBytes:
        image = await world.backend.staging.put(request.name, b"lent", media_type="image/png")
        news = {"size": MOST_IN_AN_ANSWER_BYTES + 1}
        return calls.LentBytes(image=image.model_copy(update=news))

    world.backend.instead["storage.object.lend"] = huge
    (url,) = await shown(client)
    assert "signature" in url
    assert not world.backend.staging.lying


async def test_room_is_given_back_when_the_answer_is_sent(world: World) -> None:
    room = EmbeddingRoom(limit_bytes=12)
    async with world.client(embedded=room) as client:
        keys = await kept_back(world, client, 2)
        for key in keys:
            world.put("private", key, b"12345678")
        for _ in range(3):
            urls = await shown(client)
            assert sorted(url.startswith("data:") for url in urls) == [False, True]
            assert room.taken_bytes == 0


def test_answers_at_a_time_share_one_room() -> None:
    room = EmbeddingRoom()
    with room.of_an_answer():
        assert room.take(MOST_IN_AN_ANSWER_BYTES)
        assert not room.take(1)
        with room.of_an_answer():
            rest = MOST_AT_A_TIME_BYTES - MOST_IN_AN_ANSWER_BYTES
            assert not room.take(rest + 1)
            assert room.take(rest)
        assert room.taken_bytes == MOST_IN_AN_ANSWER_BYTES
    assert room.taken_bytes == 0


async def test_a_file_that_moves_while_it_is_read_is_linked(world: World, tmp_path: Path) -> None:
    class Moving(ObjectDirectory):
        def data_url(self, found: FoundFile) -> str:
            found.path.unlink()
            return super().data_url(found)

    async with world.client(files=Moving(tmp_path)) as client:
        (key,) = await kept_back(world, client)
        world.put("private", key)
        (url,) = await shown(client)
    assert "signature" in url
