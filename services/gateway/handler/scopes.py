"""What a key may be used for: every route of the API needs exactly one scope."""

from collections.abc import Collection, Mapping
from enum import Enum
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.routing import APIRoute

from shared.calls import ApiKey, Scope
from shared.problems import Problem

STATED = "x-required-scope"
_READING = frozenset({"GET", "HEAD"})
_OF_A_TAG = {"keys": Scope.ADMIN, "reviews": Scope.REVIEW}


def needs(scope: Scope) -> dict[str, Any]:
    """What a route says that needs another scope than its kind: its `openapi_extra`."""
    return {STATED: scope.value}


def scope_of(
    method: str, tags: Collection[str | Enum], stated: Mapping[str, Any] | None = None
) -> Scope:
    """The scope an operation needs: stated, or of its tag, or `read` to look, `write` to change."""
    if stated and STATED in stated:
        return Scope(stated[STATED])
    for tag, scope in _OF_A_TAG.items():
        if tag in tags:
            return scope
    return Scope.READ if method.upper() in _READING else Scope.WRITE


async def _key(request: Request) -> ApiKey:
    # Set before any route is reached.
    key: ApiKey = request.state.key
    return key


Key = Annotated[ApiKey, Depends(_key)]


async def has_scope(request: Request, key: Key) -> None:
    """Raises Problem 403 if the key that asks does not open this route."""
    route: APIRoute = request.scope["route"]
    needed = scope_of(request.method, route.tags, route.openapi_extra)
    if needed not in key.scopes:
        detail = f"This key lacks the scope {needed.value!r}; use one that has it."
        raise Problem(403, "scope_missing", detail)
