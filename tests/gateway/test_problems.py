"""Every refusal is a problem with a code, and tells nothing that it should not."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from services.gateway.handler.body_limit import MAX_BODY_BYTES
from shared.problems import Problem
from tests.gateway.conftest import World

BATCH = "/api/v1/content/batch"


def assert_problem(answer: httpx2.Response, status: int, code: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"] == f"urn:atelier:problem:{code}"
    assert body["instance"] == answer.request.url.path
    assert body["title"]
    assert body["detail"]


async def test_unknown_paths_and_methods_are_problems(client: httpx2.AsyncClient) -> None:
    assert_problem(await client.get("/api/v1/nothing"), 404, "not_found")
    assert_problem(await client.get("/nothing"), 404, "not_found")
    wrong = await client.delete("/api/v1/content/templates")
    assert_problem(wrong, 405, "method_not_allowed")
    assert wrong.headers["allow"] == "GET"
    wrong = await client.put("/api/v1/avatars/ada")
    assert_problem(wrong, 405, "method_not_allowed")
    assert wrong.headers["allow"] == "GET, PATCH, DELETE"


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b"[" * 5000, b'{"num_pieces": 1e999}'],
    ids=lambda body: repr(body[:12]),
)
async def test_broken_bodies_are_refused_not_crashed_on(
    client: httpx2.AsyncClient, body: bytes
) -> None:
    answer = await client.post(BATCH, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == "application/problem+json"


async def test_every_field_at_fault_is_named_and_no_input_is_repeated(
    client: httpx2.AsyncClient,
) -> None:
    secret = "hunter2-hunter2"
    answer = await client.post(
        BATCH, json={"avatar_id": secret + "!", "platform": secret, "num_pieces": secret}
    )
    assert_problem(answer, 422, "validation_error")
    fields = [error["field"] for error in answer.json()["errors"]]
    assert fields == ["avatar_id", "platform", "num_pieces"]
    assert all(error["code"] and error["message"] for error in answer.json()["errors"])
    assert secret not in answer.text


async def test_lone_surrogates_are_refused(client: httpx2.AsyncClient) -> None:
    answer = await client.post(
        "/api/v1/content/generate",
        content=b'{"avatar_id": "ada", "custom_prompt": "\\ud800"}',
        headers={"Content-Type": "application/json"},
    )
    assert_problem(answer, 422, "validation_error")


async def test_a_body_that_says_it_is_too_large_is_not_read(client: httpx2.AsyncClient) -> None:
    answer = await client.post(BATCH, content=b" " * (MAX_BODY_BYTES + 1))
    assert_problem(answer, 413, "body_too_large")


async def test_a_body_that_waits_for_a_sign_is_not_even_sent(client: httpx2.AsyncClient) -> None:
    async def body() -> AsyncIterator[bytes]:
        raise AssertionError("was asked for")
        yield b""

    headers = {"Expect": "100-continue", "Content-Length": str(MAX_BODY_BYTES + 1)}
    answer = await client.post(BATCH, content=body(), headers=headers)
    assert_problem(answer, 413, "body_too_large")


async def test_a_body_that_turns_out_too_large_is_refused(client: httpx2.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield b" " * 65536

    headers = {"Content-Type": "application/json"}
    answer = await client.post(BATCH, content=chunks(), headers=headers)
    assert_problem(answer, 413, "body_too_large")


async def test_a_client_that_never_stops_sending_is_not_listened_to_for_ever(
    client: httpx2.AsyncClient,
) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 2**20
            yield b" " * 2**20

    headers = {"Content-Type": "application/json"}
    answer = await client.post(BATCH, content=endless(), headers=headers)
    assert_problem(answer, 413, "body_too_large")
    assert sent < 32 * 2**20


async def test_a_body_of_the_greatest_size_is_read(client: httpx2.AsyncClient) -> None:
    body = b'{"avatar_id": "ada", "num_pieces": 1}'.ljust(MAX_BODY_BYTES)
    answer = await client.post(BATCH, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 202


async def test_a_bug_is_a_problem_without_insides(world: World, client: httpx2.AsyncClient) -> None:
    world.backend.broken.add("ledger.avatar.get")
    answer = await client.get("/api/v1/avatars/ada")
    assert_problem(answer, 500, "internal_error")
    assert "inside" not in answer.text


async def test_refusals_of_other_services_keep_status_code_and_field(
    world: World, client: httpx2.AsyncClient
) -> None:
    async def refuse(_: object) -> None:
        raise Problem(409, "task_id_taken", "There is such a task.", field="task_id")

    world.backend.on_accept = refuse
    answer = await client.post(BATCH, json={"avatar_id": "ada", "num_pieces": 1})
    assert_problem(answer, 409, "task_id_taken")
    assert answer.json()["field"] == "task_id"


async def test_silence_of_another_service_asks_for_patience(
    world: World, client: httpx2.AsyncClient
) -> None:
    world.backend.away.add("ledger.avatar.get")
    answer = await client.get("/api/v1/avatars/ada")
    assert_problem(answer, 503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert "ledger" not in answer.text


async def test_answers_with_links_are_not_kept_by_caches(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/api/v1/content/avatar/ada/content")
    assert answer.headers["cache-control"] == "private, no-store"
