"""The OpenAPI document: problems in their own media type, one security scheme for the API."""

from typing import Any

from fastapi import FastAPI, Security
from fastapi.openapi.utils import get_openapi
from fastapi.security import APIKeyHeader, HTTPBearer

from services.gateway.handler.openapi_links import add_links
from services.gateway.handler.problems import MEDIA_TYPE, ProblemBody
from services.gateway.handler.rate_limit import HEADERS as RATE_HEADERS
from services.gateway.handler.scopes import STATED, scope_of

Responses = dict[int | str, dict[str, Any]]

_MEANINGS = {
    400: "Refused for a business reason, for example an avatar without LoRA weights",
    401: "No valid API key",
    403: "The key lacks the scope that `x-required-scope` names",
    404: "Nothing of that kind with that id",
    409: "In conflict with what is already there",
    410: "It was taken down",
    413: "The request is too large",
    422: "An input cannot be accepted",
    429: "The limit of the key, or of wrong keys from this address, is reached; "
    "`Retry-After` says when to ask again",
    502: "The piece could not be made or stored",
    503: "Nobody can serve this now; `Retry-After` says when to ask again",
    504: "The wait is over before the work is; `Location` is the task, which goes on",
}

# Enforced before routing; declared here so that the document tells about them.
api_key_header = APIKeyHeader(name="X-API-Key", scheme_name="ApiKey", auto_error=False)
bearer = HTTPBearer(scheme_name="Bearer", auto_error=False, description="The API key")


async def documented_key(
    _key: object = Security(api_key_header), _token: object = Security(bearer)
) -> None:
    """Declares the ways to present an API key."""


def problems(*statuses: int) -> Responses:
    """The refusals of an operation, besides those that every operation of the API has."""
    return {
        status: {"model": ProblemBody, "description": _MEANINGS[status], **_headers(status)}
        for status in sorted({*statuses, 401, 403, 422, 429, 503})
    }


def install(app: FastAPI) -> None:
    """Let the application describe its problems as what they are."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    schema = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            _retype_problems(operation)
            if path.startswith("/api/"):
                operation[STATED] = scope_of(method, operation["tags"], operation).value
                _tell_limit(operation)
    add_links(schema["paths"])
    return schema


def _tell_limit(operation: dict[str, Any]) -> None:
    text = {"schema": {"type": "string"}}
    told = {name: {"description": meaning, **text} for name, meaning in RATE_HEADERS.items()}
    for status, response in operation["responses"].items():
        if status != "401":
            response["headers"] = response.get("headers", {}) | told


def _retype_problems(operation: dict[str, Any]) -> None:
    for status, response in operation["responses"].items():
        content = response.get("content", {})
        if int(status) >= 400 and "application/json" in content:
            content[MEDIA_TYPE] = content.pop("application/json")


def _headers(status: int) -> dict[str, Any]:
    text = {"schema": {"type": "string"}}
    if status in {429, 503}:
        return {"headers": {"Retry-After": {"description": "seconds", **text}}}
    if status == 504:
        return {"headers": {"Location": {"description": "the task", **text}}}
    return {}
