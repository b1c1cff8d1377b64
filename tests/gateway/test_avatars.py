"""Record, read, change and delete avatars."""

import httpx2
import pytest

from tests.gateway.conftest import ORIGIN, World

PATH = "/api/v1/avatars"


async def test_an_avatar_is_recorded_with_likeness_and_attestation(
    client: httpx2.AsyncClient,
) -> None:
    answer = await client.post(
        PATH,
        json={
            "name": " Luna ",
            "niche": "travel",
            "r2_path": "loras/luna.safetensors",
            "likeness": {
                "kind": "consented_person",
                "name": "L. Moon",
                "attested_by": "legal",
                "attested_at": "2026-01-01T00:00:00Z",
            },
            "adult_attested_at": "2026-01-01T00:00:00Z",
            "meta_data": {"personality": {"tone": "warm"}, "generation_config": {"steps": 30}},
        },
    )
    assert answer.status_code == 201, answer.text
    luna = answer.json()
    assert answer.headers["location"] == f"{ORIGIN}{PATH}/{luna['id']}"
    assert luna["name"] == "Luna"
    assert luna["lora_weights_url"] == "loras/luna.safetensors"
    assert luna["likeness"]["attested_by"] == "legal"
    assert luna["meta_data"]["generation_config"]["steps"] == 30
    assert luna["blocked_by"] == []
    assert "tenant" not in luna
    assert (await client.get(f"{PATH}/{luna['id']}")).json() == luna


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": " "}, "name"),
        ({"name": "A", "nam": "B"}, "nam"),
        ({"name": "A", "stage": "asleep"}, "stage"),
        ({"name": "A", "lora_scale": 2}, "lora_scale"),
        ({"name": "A", "trigger_word": "a,b"}, "trigger_word"),
        ({"name": "A", "adult_attested_at": "yesterday"}, "adult_attested_at"),
        ({"name": "A", "adult_attested_at": "2026-01-01T00:00:00"}, "adult_attested_at"),
        ({"name": "A", "likeness": {"kind": "consented_person"}}, "likeness"),
        ({"name": "A", "likeness": {"kind": "synthetic", "face": "x"}}, "likeness.face"),
        ({"name": "A", "meta_data": {"mood": 1}}, "meta_data.mood"),
        ({"name": "A", "base_prompt": "\0"}, "base_prompt"),
        (
            {"name": "A", "meta_data": {"generation_config": {"steps": 5}}},
            "meta_data.generation_config.steps",
        ),
        (
            {"name": "A", "meta_data": {"generation_config": {"scheduler": "DDIM"}}},
            "meta_data.generation_config.scheduler",
        ),
    ],
)
async def test_what_is_not_understood_is_refused_and_named(
    client: httpx2.AsyncClient, body: dict[str, object], field: str
) -> None:
    answer = await client.post(PATH, json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["field"] == field


@pytest.mark.parametrize("field", ["lora_weights_url", "r2_path"])
@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/a.safetensors",
        "loras/a.safetensors?X-Amz-Signature=secret",
        "//evil.example/a",
        "loras/../../etc/passwd",
        "loras//a",
        "/loras/a",
        "s3://bucket/a",
        "",
    ],
)
async def test_weights_are_named_by_bucket_key_only(
    client: httpx2.AsyncClient, field: str, url: str
) -> None:
    answer = await client.post(PATH, json={"name": "A", field: url})
    assert answer.status_code == 422
    assert not url or url not in answer.text


async def test_two_names_for_different_weights_are_refused(client: httpx2.AsyncClient) -> None:
    body = {"name": "A", "lora_weights_url": "loras/a", "r2_path": "loras/b"}
    assert (await client.post(PATH, json=body)).status_code == 422
    same = await client.post(PATH, json=body | {"r2_path": "loras/a"})
    assert same.json()["lora_weights_url"] == "loras/a"


async def test_a_change_touches_only_what_it_names(client: httpx2.AsyncClient) -> None:
    answer = await client.patch(f"{PATH}/ada", json={"niche": None, "r2_path": "loras/v2"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["niche"] is None
    assert answer.json()["lora_weights_url"] == "loras/v2"
    assert answer.json()["name"] == "Ada"
    unchanged = await client.patch(f"{PATH}/ada", json={})
    assert unchanged.json()["lora_weights_url"] == "loras/v2"


async def test_weights_can_be_taken_away_under_either_name(client: httpx2.AsyncClient) -> None:
    for field in ("lora_weights_url", "r2_path"):
        await client.patch(f"{PATH}/ada", json={"lora_weights_url": "loras/a"})
        answer = await client.patch(f"{PATH}/ada", json={field: None})
        assert answer.json()["lora_weights_url"] is None
        assert answer.json()["blocked_by"] == ["avatar_without_lora"]


async def test_one_name_may_be_empty_where_the_other_is_given(client: httpx2.AsyncClient) -> None:
    for body in (
        {"lora_weights_url": None, "r2_path": "loras/a"},
        {"lora_weights_url": "loras/a", "r2_path": None},
    ):
        answer = await client.patch(f"{PATH}/ada", json=body)
        assert answer.json()["lora_weights_url"] == "loras/a"


@pytest.mark.parametrize("field", ["name", "stage", "lora_scale", "meta_data"])
async def test_what_every_avatar_has_cannot_be_emptied(
    client: httpx2.AsyncClient, field: str
) -> None:
    answer = await client.patch(f"{PATH}/ada", json={field: None})
    assert answer.status_code == 422
    assert field in answer.json()["detail"]


async def test_a_deleted_avatar_is_gone_with_its_pieces(
    world: World, client: httpx2.AsyncClient
) -> None:
    world.finish_at_once()
    await client.post("/api/v1/content/batch/sync", json={"avatar_id": "ada", "num_pieces": 3})
    answer = await client.delete(f"{PATH}/ada")
    assert (answer.status_code, answer.json()["deleted_pieces"]) == (200, 3)
    for call in (client.get, client.delete):
        assert (await call(f"{PATH}/ada")).json()["code"] == "avatar_not_found"
    assert (await client.patch(f"{PATH}/ada", json={})).status_code == 404


async def test_avatars_come_in_pages(world: World, client: httpx2.AsyncClient) -> None:
    for number in range(4):
        world.backend.avatar(f"a{number}")
    first = (await client.get(PATH, params={"limit": 3})).json()
    rest = (await client.get(PATH, params={"limit": 3, "cursor": first["next_cursor"]})).json()
    assert (len(first["avatars"]), len(rest["avatars"])) == (3, 2)
    assert rest["next_cursor"] is None


async def test_readiness_names_every_blocked_avatar_with_all_reasons(
    world: World, client: httpx2.AsyncClient
) -> None:
    for number in range(150):
        world.backend.avatar(f"a{number}")
    world.backend.avatar("a120", stage="blocked", lora_weights_url=None)
    report = (await client.get(f"{PATH}/readiness")).json()
    assert (report["total"], report["ready"]) == (151, 150)
    (blocked,) = report["blocked"]
    assert blocked["avatar_id"] == "a120"
    assert [reason["code"] for reason in blocked["reasons"]] == [
        "avatar_without_lora",
        "avatar_blocked",
    ]


FROZEN = {"at": "2026-05-01T12:00:00Z", "reason": "minors", "piece_id": "p-1"}


async def test_a_frozen_avatar_says_so_and_cannot_be_ordered_of_until_it_is_unfrozen(
    world: World, client: httpx2.AsyncClient
) -> None:
    world.backend.avatar(frozen=FROZEN, stage="blocked")
    shown = (await client.get(f"{PATH}/ada")).json()
    assert shown["frozen"]["reason"] == "minors"
    assert shown["blocked_by"] == ["avatar_frozen", "avatar_blocked"]
    report = (await client.get(f"{PATH}/readiness")).json()
    assert report["blocked"][0]["reasons"][0]["code"] == "avatar_frozen"
    order = {"avatar_id": "ada", "num_pieces": 1}
    for path in ("batch", "batch/sync", "generate"):
        body = order if path.startswith("batch") else {"avatar_id": "ada"}
        refused = await client.post(f"/api/v1/content/{path}", json=body)
        assert (refused.status_code, refused.json()["code"]) == (403, "avatar_frozen")
        assert refused.json()["field"] == "avatar_id"
    assert not world.backend.accepted


async def test_an_administrator_unfreezes_an_avatar_and_says_why(
    world: World, client: httpx2.AsyncClient
) -> None:
    world.backend.avatar(frozen=FROZEN)
    path = f"{PATH}/ada/unfreeze"
    assert (await client.post(path, json={})).json()["field"] == "reason"
    answer = await client.post(path, json={"reason": "a false alarm"})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["frozen"], answer.json()["blocked_by"]) == (None, [])
    (asked,) = world.backend.unfrozen
    assert (asked.by, asked.reason) == ("k1", "a false alarm")
    again = await client.post(path, json={"reason": "a false alarm"})
    assert (again.status_code, again.json()["code"]) == (409, "avatar_not_frozen")


async def test_nobody_freezes_or_unfreezes_by_changing_fields(
    world: World, client: httpx2.AsyncClient
) -> None:
    world.backend.avatar(frozen=FROZEN)
    for body in ({"frozen": None}, {"frozen": FROZEN}):
        answer = await client.patch(f"{PATH}/ada", json=body)
        assert (answer.status_code, answer.json()["field"]) == (422, "frozen")
    assert world.backend.avatars["ada"].frozen is not None
