"""Pieces that were kept back are uploaded afterwards, each by itself."""

import asyncio
from typing import Any

import httpx2
import pytest

from shared.calls import UPLOAD_LIMIT_S, Piece, PieceRef, PieceUploaded
from tests.gateway.conftest import ORIGIN, World

PATH = "/api/v1/content/upload-batch"


async def kept_back(world: World, client: httpx2.AsyncClient, count: int = 1) -> list[Piece]:
    """Finished pieces that were not uploaded: of capa1, the last of capa2 if there are several."""
    tiers = {"capa1_ratio": 1, "capa2_ratio": 0, "capa3_ratio": 0}
    order = {"avatar_id": "ada", "num_pieces": count, "tier_distribution": tiers}
    task_id = (await client.post("/api/v1/content/batch", json=order)).json()["task_id"]
    fields: dict[str, Any] = {"uploaded": False, "public": False}
    pieces = [world.backend.deliver(task_id, index, **fields) for index in range(count)]
    if count > 1:
        pieces[-1] = world.backend.deliver(task_id, count - 1, **fields, access_tier="capa2")
    return pieces


async def upload(client: httpx2.AsyncClient, *piece_ids: str) -> httpx2.Response:
    return await client.post(PATH, json={"piece_ids": piece_ids})


async def test_each_piece_is_served_from_where_its_tier_has_it(
    world: World, client: httpx2.AsyncClient
) -> None:
    open_one, closed = await kept_back(world, client, 2)
    answer = await upload(client, closed.id, open_one.id, closed.id)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["total_uploaded"], told["total_failed"]) == (2, 0)
    first, second = told["results"]
    assert (first["piece_id"], second["piece_id"]) == (closed.id, open_one.id)
    assert "signature=" in first["url"]
    assert second["url"] == f"{ORIGIN}/objects/{open_one.object_key}"
    assert second["thumbnail_url"] == f"{ORIGIN}/objects/{open_one.thumbnail_key}"
    assert (first["uploaded"], first["access_tier"], first["code"]) == (True, "capa2", None)
    assert world.backend.limits_s["storage.piece.upload"] == UPLOAD_LIMIT_S
    assert (await upload(client, closed.id, open_one.id)).json() == told


async def test_what_cannot_be_uploaded_is_told_and_holds_up_nothing(
    world: World, client: httpx2.AsyncClient
) -> None:
    fine, gone, later = await kept_back(world, client, 3)
    world.backend.not_uploaded = {gone.id: "piece_taken_down", later.id: "store_unavailable"}
    told = (await upload(client, fine.id, gone.id, later.id, "nothing")).json()
    assert (told["total_uploaded"], told["total_failed"]) == (1, 3)
    codes = [result["code"] for result in told["results"]]
    assert codes == [None, "piece_taken_down", "store_unavailable", "piece_not_found"]
    assert [result["url"] is None for result in told["results"]] == [False, True, True, True]
    assert all(result["detail"] for result in told["results"][1:])


async def test_a_store_that_refuses_all_is_a_bad_gateway(
    world: World, client: httpx2.AsyncClient
) -> None:
    pieces = await kept_back(world, client, 2)
    world.backend.not_uploaded = {"*": "store_unavailable"}
    answer = await upload(client, *(piece.id for piece in pieces))
    assert (answer.status_code, answer.json()["code"]) == (502, "upload_failed")
    assert answer.json()["detail"] == "Failed to upload to R2"


async def test_while_storage_is_away_it_can_be_sent_again(
    world: World, client: httpx2.AsyncClient
) -> None:
    (piece,) = await kept_back(world, client)
    world.backend.away.add("storage")
    answer = await upload(client, piece.id)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    world.backend.away.clear()
    assert (await upload(client, piece.id)).json()["total_uploaded"] == 1


async def test_pieces_of_others_are_as_if_unknown(world: World, client: httpx2.AsyncClient) -> None:
    (piece,) = await kept_back(world, client)
    async with world.client(key="atl_k2_s3cret-s3cret-s3cret") as other:
        theirs, unknown = (await upload(other, piece.id, "nothing")).json()["results"]
    assert theirs == unknown | {"piece_id": piece.id}
    assert theirs["code"] == "piece_not_found"
    assert not world.backend.pieces[piece.id].uploaded


async def test_the_same_at_once_gets_the_same(world: World, client: httpx2.AsyncClient) -> None:
    pieces = await kept_back(world, client, 3)
    ids = [piece.id for piece in pieces]
    answers = await asyncio.gather(*(upload(client, *ids) for _ in range(5)))
    assert len({answer.text for answer in answers}) == 1


async def test_few_pieces_are_under_way_at_a_time(world: World, client: httpx2.AsyncClient) -> None:
    under_way, most = 0, 0

    async def slowly(request: PieceRef) -> PieceUploaded:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return PieceUploaded(piece=world.backend.pieces[request.piece_id])

    world.backend.instead["storage.piece.upload"] = slowly
    pieces = await kept_back(world, client, 20)
    assert (await upload(client, *(piece.id for piece in pieces))).json()["total_uploaded"] == 20
    assert most == 4


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "piece_ids"),
        ({"piece_ids": []}, "piece_ids"),
        ({"piece_ids": ["p"] * 101}, "piece_ids"),
        ({"piece_ids": ["a.b"]}, "piece_ids.0"),
        ({"piece_ids": ["p"], "public": True}, "public"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    world: World, client: httpx2.AsyncClient, body: dict[str, Any], field: str
) -> None:
    answer = await client.post(PATH, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_error")
    assert answer.json()["field"] == field
    assert not world.backend.uploads
