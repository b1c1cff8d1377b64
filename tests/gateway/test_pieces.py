"""Read and publish pieces."""

import base64

import httpx2
import pytest

from shared.calls import Piece
from tests.gateway.conftest import ORIGIN, World

AVATAR = "/api/v1/content/avatar/ada/content"


async def pieces_of(world: World, client: httpx2.AsyncClient, count: int) -> list[Piece]:
    answer = await client.post(
        "/api/v1/content/batch", json={"avatar_id": "ada", "num_pieces": count}
    )
    task_id = answer.json()["task_id"]
    world.backend.finish(task_id)
    return [piece for piece in world.backend.pieces.values() if piece.task_id == task_id]


async def test_an_avatars_content_comes_in_pages_of_twenty(
    world: World, client: httpx2.AsyncClient
) -> None:
    await pieces_of(world, client, 25)
    first = (await client.get(AVATAR)).json()
    second = (await client.get(AVATAR, params={"cursor": first["next_cursor"]})).json()
    assert (len(first["content"]), len(second["content"])) == (20, 5)
    assert second["next_cursor"] is None
    assert len({piece["id"] for piece in first["content"] + second["content"]}) == 25


async def test_content_can_be_filtered_by_tier_and_rating(
    world: World, client: httpx2.AsyncClient
) -> None:
    await pieces_of(world, client, 10)
    only = (await client.get(AVATAR, params={"tier": "capa2", "rating": "safe"})).json()
    assert [piece["access_tier"] for piece in only["content"]] == ["capa2"] * 3
    none = (await client.get(AVATAR, params={"rating": "borderline"})).json()
    assert none["content"] == []


async def test_content_of_an_unknown_avatar_is_not_found(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/api/v1/content/avatar/nobody/content")
    assert (answer.status_code, answer.json()["code"]) == (404, "avatar_not_found")


@pytest.mark.parametrize("query", ["tier=capa9", "limit=0", "limit=51", "cursor=%00", "rating=x"])
async def test_odd_filters_are_refused(client: httpx2.AsyncClient, query: str) -> None:
    answer = await client.get(f"{AVATAR}?{query}")
    assert answer.status_code == 422
    assert answer.json()["field"] == query.partition("=")[0]


async def test_public_pieces_have_open_addresses_and_others_signed_links(
    world: World, client: httpx2.AsyncClient
) -> None:
    await pieces_of(world, client, 10)
    content = (await client.get(AVATAR)).json()["content"]
    for piece in content:
        is_public = piece["access_tier"] == "capa1"
        for url in (piece["url"], piece["thumbnail_url"]):
            assert url.startswith(f"{ORIGIN}/objects/content/ada/")
            assert ("signature" in url) is not is_public


async def test_links_are_asked_for_by_the_hundred(world: World, client: httpx2.AsyncClient) -> None:
    only_capa2 = {"capa1_ratio": 0, "capa2_ratio": 1, "capa3_ratio": 0}
    world.finish_at_once()
    answer = await client.post(
        "/api/v1/content/batch/sync",
        json={"avatar_id": "ada", "num_pieces": 120, "tier_distribution": only_capa2},
    )
    assert all("signature" in piece["url"] for piece in answer.json()["content_pieces"])
    assert world.backend.asked.count("storage.links.sign") == 3


async def test_a_cdn_can_stand_in_front_of_open_pieces(world: World) -> None:
    async with world.client(objects_base_url="https://cdn.example.com") as client:
        await pieces_of(world, client, 1)
        piece = (await client.get(AVATAR)).json()["content"][0]
    assert piece["url"].startswith("https://cdn.example.com/content/ada/")


async def test_what_was_not_uploaded_is_shown_as_a_data_url(
    world: World, client: httpx2.AsyncClient
) -> None:
    (piece,) = await pieces_of(world, client, 1)
    world.backend.deliver(piece.task_id, 0, uploaded=False, public=False)
    world.put("private", piece.object_key or "", b"\x89PNG")
    world.put("private", piece.thumbnail_key or "", b"\xff\xd8")
    shown = (await client.get(AVATAR)).json()["content"][0]
    assert shown["url"] == "data:image/png;base64," + base64.b64encode(b"\x89PNG").decode()
    assert shown["thumbnail_url"].startswith("data:image/jpeg;base64,")
    assert "storage.links.sign" not in world.backend.asked


@pytest.mark.parametrize(
    ("extension", "media_type"),
    [("png", "image/png"), ("jpg", "image/jpeg"), ("webp", "image/webp")],
)
async def test_a_data_url_says_what_the_file_is(
    world: World, client: httpx2.AsyncClient, extension: str, media_type: str
) -> None:
    (piece,) = await pieces_of(world, client, 1)
    key = f"content/ada/{piece.id}_t.{extension}"
    world.backend.deliver(piece.task_id, 0, uploaded=False, public=False, object_key=key)
    world.put("private", key)
    shown = (await client.get(AVATAR)).json()["content"][0]
    assert shown["url"] == f"data:{media_type};base64," + base64.b64encode(b"image").decode()


async def test_a_piece_tells_its_whole_story(world: World, client: httpx2.AsyncClient) -> None:
    (piece,) = await pieces_of(world, client, 1)
    story = (await client.get(f"/api/v1/content/pieces/{piece.id}")).json()
    assert story["state"] == "persisted"
    assert [entry["fact"] for entry in story["timeline"]] == ["content.requested"]
    assert story["attempts"][0]["cost"] == 0.01
    assert story["attempts"][0]["duration"] == 1.2


async def test_a_piece_tells_all_its_captions_and_who_wrote_them(
    world: World, client: httpx2.AsyncClient
) -> None:
    (piece,) = await pieces_of(world, client, 1)
    world.backend.deliver(
        piece.task_id,
        0,
        hooks_source="model",
        hooks_provider="anthropic",
        hooks_model="a-model",
    )
    told = (await client.get(AVATAR)).json()["content"][0]
    assert told["metadata"]["hooks"] == ["Golden hour.", "Again."]
    assert told["hook_text"] == "Golden hour."
    assert told["metadata"]["hooks_source"] == "model"
    assert told["metadata"]["hooks_provider"] == "anthropic"
    assert told["metadata"]["hooks_model"] == "a-model"
    assert told["metadata"]["hooks_instead_of"] is None


async def test_captions_that_stand_in_say_why_in_the_story_too(
    world: World, client: httpx2.AsyncClient
) -> None:
    (piece,) = await pieces_of(world, client, 1)
    world.backend.deliver(piece.task_id, 0, hooks_source="template", hooks_instead_of="refused")
    story = (await client.get(f"/api/v1/content/pieces/{piece.id}")).json()
    assert story["metadata"]["hooks_instead_of"] == "refused"
    assert story["metadata"]["hooks_provider"] is None
    assert [attempt["kind"] for attempt in story["attempts"]] == ["image", "captions"]


@pytest.mark.parametrize("state", ["requested", "pending_review", "rejected", "failed"])
async def test_a_piece_that_is_not_delivered_has_no_address(
    world: World, client: httpx2.AsyncClient, state: str
) -> None:
    (piece,) = await pieces_of(world, client, 1)
    world.backend.deliver(piece.task_id, 0, state=state)
    answer = await client.get(f"/api/v1/content/pieces/{piece.id}")
    assert answer.json()["state"] == state
    assert answer.json()["url"] is None
    assert answer.json()["thumbnail_url"] is None
    assert "_t.png" not in answer.text


async def test_publishing_sets_time_and_price(world: World, client: httpx2.AsyncClient) -> None:
    (piece,) = await pieces_of(world, client, 1)
    path = f"/api/v1/content/pieces/{piece.id}/publish"
    answer = await client.post(path, json={"price_usd": 4.99})
    assert answer.status_code == 200, answer.text
    assert world.backend.pieces[piece.id].price_usd_micros == 4_990_000
    assert '"price_usd":4.99,' in answer.text
    assert answer.json()["published_at"] is not None
    assert (await client.post(path)).json()["price_usd"] is None


async def test_a_piece_names_the_earlier_one_that_looks_the_same(
    world: World, client: httpx2.AsyncClient
) -> None:
    (piece,) = await pieces_of(world, client, 1)
    world.backend.deliver(piece.task_id, 0, near_duplicate_of="earlier")
    assert (await client.get(AVATAR)).json()["content"][0]["near_duplicate_of"] == "earlier"
    story = (await client.get(f"/api/v1/content/pieces/{piece.id}")).json()
    assert (story["near_duplicate_of"], story["taken_down_at"]) == ("earlier", None)


async def test_a_piece_that_is_taken_down_keeps_its_record_and_loses_its_address(
    world: World, client: httpx2.AsyncClient
) -> None:
    (piece,) = await pieces_of(world, client, 1)
    path = f"/api/v1/content/pieces/{piece.id}"
    taken = await client.post(f"{path}/takedown", json={"reason": " a court says so "})
    assert taken.status_code == 200, taken.text
    (asked,) = world.backend.taken_down
    assert (asked.by, asked.reason) == ("k1", "a court says so")
    record = await client.get(path)
    for answer in (taken, record):
        assert answer.json()["taken_down_at"] is not None
        assert (answer.json()["url"], answer.json()["thumbnail_url"]) == (None, None)
        assert "_t.png" not in answer.text
    assert record.json()["state"] == "persisted"
    refused = await client.post(f"{path}/publish")
    assert (refused.status_code, refused.json()["code"]) == (410, "piece_taken_down")


async def test_only_what_is_finished_is_taken_down_and_only_for_a_reason(
    world: World, client: httpx2.AsyncClient
) -> None:
    (piece,) = await pieces_of(world, client, 1)
    world.backend.deliver(piece.task_id, 0, state="pending_review")
    path = f"/api/v1/content/pieces/{piece.id}/takedown"
    early = await client.post(path, json={"reason": "r"})
    assert (early.status_code, early.json()["code"]) == (409, "piece_not_delivered")
    for body in ({}, {"reason": " "}, {"reason": None}, {"reason": "r" * 1001}, {"reason": ["r"]}):
        answer = await client.post(path, json=body)
        assert (answer.status_code, answer.json()["field"]) == (422, "reason")
    by = await client.post(path, json={"reason": "r", "by": "somebody-else"})
    assert (by.status_code, by.json()["field"]) == (422, "by")
    assert not world.backend.taken_down


@pytest.mark.parametrize("price", [-1, 0.0000001, 1e9, "NaN", "a lot"])
async def test_odd_prices_are_refused(
    world: World, client: httpx2.AsyncClient, price: object
) -> None:
    (piece,) = await pieces_of(world, client, 1)
    answer = await client.post(
        f"/api/v1/content/pieces/{piece.id}/publish", json={"price_usd": price}
    )
    assert (answer.status_code, answer.json()["field"]) == (422, "price_usd")


async def test_unknown_pieces_are_not_found(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/api/v1/content/pieces/none")).json()["code"] == "piece_not_found"
    assert (await client.post("/api/v1/content/pieces/none/publish")).status_code == 404


async def test_an_avatars_totals_are_exact(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/api/v1/content/stats/ada")
    assert answer.status_code == 200, answer.text
    assert '"total_cost":0.100001,' in answer.text
    assert answer.json()["average_generation_time"] == 1.2
    assert (await client.get("/api/v1/content/stats/nobody")).status_code == 404
