"""Bodies that could be understood in two ways, or not at all."""

import httpx2
import pytest

from tests.gateway.conftest import World

BATCH = "/api/v1/content/batch"
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        (b'{"avatar_id":"ada","avatar_id":"eve"}', "duplicate_member", "avatar_id"),
        (
            b'{"avatar_id":"ada","tier_distribution":{"capa1_ratio":1,"capa1_ratio":0}}',
            "duplicate_member",
            "tier_distribution.capa1_ratio",
        ),
        (b'{"avatar_id":"ada","custom_prompts":["\\ud800"]}', "lone_surrogate", "custom_prompts.0"),
        (b'{"avatar_id":"ada","custom_prompts":["\\u0007"]}', "control_character", None),
        (b'{"avatar_id":' + b"[" * 40 + b"]" * 40 + b"}", "too_deep", None),
        (b"[" * 100_000, "too_deep", "body"),
        (b'{"avatar_id":"ada","num_pieces":NaN}', "json_invalid", "body"),
        (b'{"avatar_id":"ada","num_pieces":1e999}', "json_invalid", "body"),
        (b'{"avatar_id":"ada","num_pieces":' + b"9" * 5000 + b"}", "json_invalid", "body"),
        (b'{"avatar_id":"ada","num_pieces":' + b"9" * 100 + b"}", "less_than_equal", "num_pieces"),
        (b'{"avatar_id":"ada","num_pieces":Infinity}', "json_invalid", "body"),
        (b'{"avatar_id":"\xff"}', "json_invalid", "body"),
        (b'{"avatar_id":', "json_invalid", "body"),
        (b"", "missing", "body"),
        (b"null", "model_attributes_type", "body"),
        (b'"text"', "model_attributes_type", "body"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_what_has_no_one_meaning_is_refused_and_named(
    world: World, client: httpx2.AsyncClient, body: bytes, code: str, field: str | None
) -> None:
    answer = await client.post(BATCH, content=body, headers=JSON)
    assert answer.status_code == 422, answer.text
    problem = answer.json()
    assert problem["code"] == "validation_error"
    assert problem["errors"][0]["code"] == code, problem
    assert field is None or problem["field"] == field
    assert not world.backend.accepted


async def test_ordinary_whitespace_and_every_script_are_fine(
    world: World, client: httpx2.AsyncClient
) -> None:
    prompt = "tab\tline\nüñí 日本 🎨"
    order = {"avatar_id": "ada", "num_pieces": 1, "custom_prompts": [prompt]}
    assert (await client.post(BATCH, json=order)).status_code == 202
    (task,) = world.backend.accepted.values()
    assert "üñí 日本 🎨" in task.briefs[0].prompt


async def test_a_large_body_is_read_just_as_strictly(
    world: World, client: httpx2.AsyncClient
) -> None:
    filler = b'"' + b"x" * 200_000 + b'"'
    body = b'{"avatar_id":"ada","a":' + filler + b',"a":1}'
    answer = await client.post(BATCH, content=body, headers=JSON)
    assert answer.json()["errors"][0]["code"] == "duplicate_member"


async def test_a_body_of_another_type_is_refused(client: httpx2.AsyncClient) -> None:
    answer = await client.post(
        BATCH, content=b'{"avatar_id":"ada"}', headers={"Content-Type": "text/plain"}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_error")


async def test_a_prompt_of_ten_megabytes_is_too_large(client: httpx2.AsyncClient) -> None:
    body = b'{"avatar_id":"ada","custom_prompts":["' + b"x" * 10 * 2**20 + b'"]}'
    answer = await client.post(BATCH, content=body, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
