"""The OpenAPI document is valid and tells the truth."""

from typing import Any

import httpx2
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.gateway.conftest import World


@pytest.fixture
async def document(world: World) -> dict[str, Any]:
    async with world.client(key=None) as client:
        answer = await client.get("/api/v1/openapi.json")
    schema: dict[str, Any] = answer.json()
    return schema


async def test_the_document_validates(document: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(document).validate()


async def test_every_operation_of_the_api_names_its_key_and_its_refusals(
    document: dict[str, Any],
) -> None:
    schemes = document["components"]["securitySchemes"]
    assert schemes["ApiKey"] == {"type": "apiKey", "in": "header", "name": "X-API-Key"}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["summary"], path
            if path.startswith("/api/"):
                assert {"ApiKey": []} in operation["security"], path
                assert {"401", "503"} <= set(operation["responses"]), path
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    assert list(response["content"]) == ["application/problem+json"], path


async def test_what_is_not_offered_is_not_promised(document: dict[str, Any]) -> None:
    schema = document["components"]["schemas"]["BatchBody"]
    assert "num_pieces" in schema["properties"]
    assert not {"callback_url", "priority"} & set(schema["properties"])
    assert schema["additionalProperties"] is False


async def test_what_reviewers_and_administrators_do_names_its_scope(
    document: dict[str, Any],
) -> None:
    scopes = {
        (method, path): operation["x-required-scope"]
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if "x-required-scope" in operation
    }
    assert {path for (_, path), scope in scopes.items() if scope == "review"} == {
        "/api/v1/content/pieces/{piece_id}/takedown",
        "/api/v1/reviews",
        "/api/v1/reviews/{piece_id}",
        "/api/v1/reviews/{piece_id}/approve",
        "/api/v1/reviews/{piece_id}/reject",
    }
    assert scopes["post", "/api/v1/avatars/{avatar_id}/unfreeze"] == "admin"
    assert scopes["post", "/api/v1/attempts/{attempt_id}/reconcile"] == "admin"
    assert {scopes["get", f"/api/v1/{path}"] for path in ("attempts", "providers")} == {"admin"}
    assert scopes["post", "/api/v1/content/safety-check"] == "write"
    assert scopes["post", "/api/v1/content/hooks"] == "write"
    assert scopes["post", "/api/v1/content/upload-batch"] == "write"


@pytest.mark.parametrize(
    "path",
    [
        "/attempts/{attempt_id}/reconcile",
        "/avatars/{avatar_id}/unfreeze",
        "/content/pieces/{piece_id}/takedown",
        "/content/safety-check",
        "/content/upload-batch",
        "/reviews/{piece_id}/approve",
        "/reviews/{piece_id}/reject",
    ],
)
async def test_what_costs_nothing_and_is_decided_once_may_be_sent_again(
    document: dict[str, Any], path: str
) -> None:
    operation = document["paths"][f"/api/v1{path}"]["post"]
    assert "sent again" in " ".join(operation["description"].split())
    assert "Idempotency-Key" not in str(operation.get("parameters"))


async def test_a_decision_has_to_say_what_is_refused_without_it(document: dict[str, Any]) -> None:
    approve, reject = (document["components"]["schemas"][f"{a}Body"] for a in ("Approve", "Reject"))
    assert (approve["required"], reject["required"]) == (["rating"], ["reason"])
    assert approve["properties"]["rating"]["enum"] == ["safe", "suggestive", "borderline"]
    assert reject["properties"]["reason"]["maxLength"] == 1000


async def test_every_path_of_the_api_is_documented(document: dict[str, Any]) -> None:
    assert set(document["paths"]) == {
        "/api/v1/attempts",
        "/api/v1/attempts/{attempt_id}/reconcile",
        "/api/v1/avatars",
        "/api/v1/avatars/readiness",
        "/api/v1/avatars/{avatar_id}",
        "/api/v1/avatars/{avatar_id}/unfreeze",
        "/api/v1/content/avatar/{avatar_id}/content",
        "/api/v1/content/batch",
        "/api/v1/content/batch/sync",
        "/api/v1/content/generate",
        "/api/v1/content/health",
        "/api/v1/content/hooks",
        "/api/v1/content/pieces/{piece_id}",
        "/api/v1/content/pieces/{piece_id}/publish",
        "/api/v1/content/pieces/{piece_id}/takedown",
        "/api/v1/content/safety-check",
        "/api/v1/content/stats/{avatar_id}",
        "/api/v1/content/tasks/{task_id}",
        "/api/v1/content/tasks/{task_id}/cancel",
        "/api/v1/content/templates",
        "/api/v1/content/templates/{template_id}",
        "/api/v1/content/upload-batch",
        "/api/v1/keys",
        "/api/v1/keys/{key_id}",
        "/api/v1/moderation/actions",
        "/api/v1/providers",
        "/api/v1/reviews",
        "/api/v1/reviews/{piece_id}",
        "/api/v1/reviews/{piece_id}/approve",
        "/api/v1/reviews/{piece_id}/reject",
        "/api/v1/loras/training/status/{task_id}",
        "/health",
        "/health/live",
        "/health/ready",
    }


async def test_the_reference_page_lists_every_operation_without_foreign_scripts(
    world: World, document: dict[str, Any]
) -> None:
    async with world.client(key=None) as client:
        page = await client.get("/docs")
        start = await client.get("/")
    assert all(path in page.text for path in document["paths"])
    for answer in (page, start):
        assert isinstance(answer, httpx2.Response)
        assert answer.headers["content-type"].startswith("text/html")
        assert "<script" not in answer.text
        assert "http://" not in answer.text
