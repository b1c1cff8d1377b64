"""Bad input at the REST door: each kind gets its status, its code and the field at fault."""

import json
from typing import Any

import httpx2
import pytest

from services.gateway.handler.body_limit import MAX_BODY_BYTES
from shared.problems import Problem
from tests.errors.producers.registry import BATCH, GENERATE, ORDER, PIECE, PREFIX
from tests.gateway.conftest import World

JSON = {"Content-Type": "application/json"}
DEEP = 5000


def assert_refused(
    answer: httpx2.Response,
    status: int,
    code: str,
    field: str | None,
    error: str | None = None,
) -> None:
    body = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, body["code"], body.get("field")) == (status, code, field), body
    errors = {each["field"]: each["code"] for each in body.get("errors", [])}
    assert errors.get(field or "") == error


@pytest.mark.parametrize(
    ("ratios", "code", "field", "error"),
    [
        ((0.5, 0.3, 0.1), "ratios_do_not_sum_to_one", "tier_distribution", None),
        ((0.6, 0.3, 0.102), "ratios_do_not_sum_to_one", "tier_distribution", None),
        ((0, 0, 0), "ratios_do_not_sum_to_one", "tier_distribution", None),
        (
            (1.5, -0.5, 0),
            "validation_error",
            "tier_distribution.capa1_ratio",
            "less_than_equal",
        ),
        (
            (0.5, -0.5, 1),
            "validation_error",
            "tier_distribution.capa2_ratio",
            "greater_than_equal",
        ),
    ],
)
async def test_ratios(
    client: httpx2.AsyncClient,
    ratios: tuple[float, ...],
    code: str,
    field: str,
    error: str | None,
) -> None:
    names = ("capa1_ratio", "capa2_ratio", "capa3_ratio")
    distribution = dict(zip(names, ratios, strict=True))
    answer = await client.post(BATCH, json=ORDER | {"tier_distribution": distribution})
    assert_refused(answer, 422, code, field, error)


@pytest.mark.parametrize(
    ("change", "field", "error"),
    [
        ({"num_pieces": 0}, "num_pieces", "greater_than_equal"),
        ({"num_pieces": 501}, "num_pieces", "less_than_equal"),
        ({"num_pieces": -1}, "num_pieces", "greater_than_equal"),
        ({"num_pieces": 10**400}, "num_pieces", "less_than_equal"),
        ({"num_pieces": 1.5}, "num_pieces", "int_from_float"),
        ({"num_pieces": "many"}, "num_pieces", "int_parsing"),
        ({"num_pieces": None}, "num_pieces", "int_type"),
        ({"num_pieces": [1]}, "num_pieces", "int_type"),
        ({"avatar_id": 7}, "avatar_id", "string_type"),
        ({"avatar_id": "a.b"}, "avatar_id", "string_pattern_mismatch"),
        ({"avatar_id": "*"}, "avatar_id", "string_pattern_mismatch"),
        ({"avatar_id": ""}, "avatar_id", "string_pattern_mismatch"),
        ({"avatar_id": "ü"}, "avatar_id", "string_pattern_mismatch"),
        ({"platform": "myspace"}, "platform", "enum"),
        ({"platform": {}}, "platform", "enum"),
        ({"include_hooks": "perhaps"}, "include_hooks", "bool_parsing"),
        ({"tier_distribution": "even"}, "tier_distribution", "model_attributes_type"),
        ({"custom_prompts": "one"}, "custom_prompts", "tuple_type"),
        ({"custom_prompts": [7]}, "custom_prompts.0", "string_type"),
        ({"custom_prompts": ["  "]}, "custom_prompts.0", "string_too_short"),
        ({"custom_prompts": ["a" * 2001]}, "custom_prompts.0", "string_too_long"),
        ({"custom_prompts": ["a"] * 501}, "custom_prompts", "too_long"),
        ({"custom_prompts": ["a"], "custom_tiers": ["gold"]}, "custom_tiers.0", "enum"),
        ({"colour": "red"}, "colour", "extra_forbidden"),
        ({"callback_url": "https://example.com"}, "callback_url", "not_offered"),
        ({"priority": "high"}, "priority", "not_offered"),
    ],
    ids=lambda value: json.dumps(value)[:40] if isinstance(value, dict) else value,
)
async def test_fields_of_a_batch(
    client: httpx2.AsyncClient, change: dict[str, Any], field: str, error: str
) -> None:
    for path in (BATCH, f"{BATCH}/sync"):
        answer = await client.post(path, json=ORDER | change)
        assert_refused(answer, 422, "validation_error", field, error)


@pytest.mark.parametrize(
    ("change", "field", "error"),
    [
        ({"tier": "gold"}, "tier", "enum"),
        ({"seed": -1}, "seed", "greater_than_equal"),
        ({"seed": 2**32}, "seed", "less_than"),
        ({"custom_prompt": ""}, "custom_prompt", "string_too_short"),
        ({"custom_prompt": ["a"]}, "custom_prompt", "string_type"),
        ({"custom_prompt": "a" * 2001}, "custom_prompt", "string_too_long"),
        ({"custom_prompt": None, "template_id": "t" * 65}, "template_id", "string_too_long"),
        ({"callback_url": 7}, "callback_url", "not_offered"),
        ({"priority": 1}, "priority", "not_offered"),
    ],
    ids=lambda value: json.dumps(value)[:40] if isinstance(value, dict) else value,
)
async def test_fields_of_a_single_piece(
    client: httpx2.AsyncClient, change: dict[str, Any], field: str, error: str
) -> None:
    answer = await client.post(GENERATE, json=PIECE | change)
    assert_refused(answer, 422, "validation_error", field, error)


async def test_words_and_a_template_exclude_each_other(client: httpx2.AsyncClient) -> None:
    answer = await client.post(GENERATE, json=PIECE | {"template_id": "workout"})
    assert_refused(answer, 422, "validation_error", "body", "prompt_and_template")


async def test_missing_fields_are_all_named(client: httpx2.AsyncClient) -> None:
    answer = await client.post(BATCH, json={})
    assert_refused(answer, 422, "validation_error", "avatar_id", "missing")
    answer = await client.post(f"{PREFIX}/avatars", json={})
    assert_refused(answer, 422, "validation_error", "name", "missing")


@pytest.mark.parametrize(
    ("body", "field", "error"),
    [
        (b"", "body", "missing"),
        (b'{"num_pieces": ' + b"9" * 5000 + b"}", "body", "json_invalid"),
        (b"{", "body", "json_invalid"),
        (b"nonsense", "body", "json_invalid"),
        (b'\xff\xfe{"avatar_id": "ada"}', "body", "json_invalid"),
        (b'{"avatar_id": "ada", "num_pieces": NaN}', "body", "json_invalid"),
        (b'{"avatar_id": "ada", "num_pieces": 1e999}', "body", "json_invalid"),
        (b'{"avatar_id": "ada", "num_pieces": 1, "num_pieces": 2}', "num_pieces", None),
        (b'{"avatar_id": "ada", "custom_prompts": [{"a": 1, "a": 1}]}', None, "duplicate_member"),
        (b'{"avatar_id": "ada", "custom_prompts": ["\\ud800"]}', None, "lone_surrogate"),
        (b'{"avatar_id": "ada", "custom_prompts": ["a\\u0000b"]}', None, "control_character"),
        (b'{"avatar_id": "ada", "custom_prompts": ["a\\u001bb"]}', None, "control_character"),
        (b'{"avatar_id": "ada\\u0000"}', "avatar_id", "control_character"),
        (b"[" * DEEP + b"]" * DEEP, None, "too_deep"),
        (b'{"a":' * DEEP + b"1" + b"}" * DEEP, None, "too_deep"),
    ],
    ids=lambda value: repr(value[:40]) if isinstance(value, bytes) else value,
)
@pytest.mark.parametrize("path", [BATCH, f"{BATCH}/sync", GENERATE, f"{PREFIX}/avatars"])
async def test_json_that_could_mean_something_else(
    client: httpx2.AsyncClient, path: str, body: bytes, field: str | None, error: str | None
) -> None:
    answer = await client.post(path, content=body, headers=JSON)
    told = answer.json()
    assert (answer.status_code, told["code"]) == (422, "validation_error"), told
    [found] = told["errors"]
    assert found["code"] == (error or "duplicate_member")
    assert field in {None, found["field"]}
    assert told["field"] == found["field"]


@pytest.mark.parametrize("body", [b"[]", b"null", b'"text"', b"7"])
async def test_json_that_is_no_object(client: httpx2.AsyncClient, body: bytes) -> None:
    answer = await client.post(BATCH, content=body, headers=JSON)
    assert answer.status_code == 422
    assert answer.json()["code"] == "validation_error"


async def test_a_prompt_of_ten_megabytes(client: httpx2.AsyncClient) -> None:
    prompt = "a" * (10 * 2**20)
    answer = await client.post(GENERATE, json=PIECE | {"custom_prompt": prompt})
    assert_refused(answer, 413, "body_too_large", None)
    assert len(prompt) > MAX_BODY_BYTES


@pytest.mark.parametrize("path", [BATCH, f"{BATCH}/sync", GENERATE])
async def test_an_avatar_without_weights(world: World, path: str) -> None:
    world.backend.avatar("new", lora_weights_url=None, stage="draft")
    async with world.client() as client:
        answer = await client.post(path, json={"avatar_id": "new"})
    assert_refused(answer, 400, "avatar_without_lora", "avatar_id")
    assert answer.json()["detail"] == "Avatar has no trained LoRA weights"
    assert world.backend.accepted == {}


@pytest.mark.parametrize("path", [BATCH, f"{BATCH}/sync", GENERATE])
async def test_an_avatar_that_nobody_knows(client: httpx2.AsyncClient, path: str) -> None:
    answer = await client.post(path, json={"avatar_id": "nobody"})
    assert_refused(answer, 404, "avatar_not_found", "avatar_id")


async def test_an_avatar_that_is_deleted_while_it_is_ordered(world: World) -> None:
    """The ledger has the last word: what was there a moment ago may be gone."""

    async def is_gone(_: object) -> None:
        raise Problem(404, "avatar_not_found", "There is no avatar 'ada'.")

    world.backend.on_accept = is_gone
    async with world.client() as client:
        answer = await client.post(BATCH, json=ORDER)
    assert_refused(answer, 404, "avatar_not_found", "avatar_id")


async def test_a_template_that_nobody_knows(client: httpx2.AsyncClient) -> None:
    answer = await client.post(GENERATE, json={"avatar_id": "ada", "template_id": "nothing"})
    assert_refused(answer, 404, "template_not_found", "template_id")


async def test_moderation_cannot_be_turned_off_where_it_matters(
    client: httpx2.AsyncClient,
) -> None:
    custom = {"safety_check": False, "custom_prompts": ["by the sea"]}
    answer = await client.post(BATCH, json=ORDER | custom)
    assert_refused(answer, 422, "safety_check_required", "safety_check")


@pytest.mark.parametrize(
    ("query", "field", "error"),
    [
        ({"limit": 0}, "limit", "greater_than_equal"),
        ({"limit": 51}, "limit", "less_than_equal"),
        ({"limit": "all"}, "limit", "int_parsing"),
        ({"tier": "gold"}, "tier", "enum"),
        ({"rating": "fine"}, "rating", "enum"),
        ({"cursor": "a b"}, "cursor", "string_pattern_mismatch"),
        ({"cursor": "a" * 513}, "cursor", "string_too_long"),
    ],
    ids=str,
)
async def test_parameters_of_a_list(
    client: httpx2.AsyncClient, query: dict[str, Any], field: str, error: str
) -> None:
    answer = await client.get(f"{PREFIX}/content/avatar/ada/content", params=query)
    assert_refused(answer, 422, "validation_error", field, error)


@pytest.mark.parametrize(
    ("key", "is_fine"),
    [("k" * 255, True), ("k" * 256, False), ("with space", False), ("tab\there", False)],
    ids=["longest", "too-long", "space", "tab"],
)
async def test_idempotency_keys(client: httpx2.AsyncClient, key: str, *, is_fine: bool) -> None:
    answer = await client.post(BATCH, json=ORDER, headers={"Idempotency-Key": key})
    if is_fine:
        assert answer.status_code == 202
    else:
        assert_refused(answer, 422, "invalid_idempotency_key", "Idempotency-Key")
