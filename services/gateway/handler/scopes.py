"""What a key may be used for: every route of the API needs exactly one scope."""

from collections.abc import Collection
from enum import Enum
from typing import Annotated

from fastapi import Depends, Request
from fastapi.routing import APIRoute

from shared.calls import ApiKey, Scope
from shared.problems import Problem

_READING = frozenset({"GET", "HEAD"})


def scope_of(method: str, tags: Collection[str | Enum]) -> Scope:
    """The scope an operation needs: `admin` for keys, else `read` to look, `write` to change."""
    if "keys" in tags:
        return Scope.ADMIN
    return Scope.READ if method.upper() in _READING else Scope.WRITE


async def _key(request: Request) -> ApiKey:
    # Set before any route is reached.
    key: ApiKey = request.state.key
    return key


Key = Annotated[ApiKey, Depends(_key)]


async def has_scope(request: Request, key: Key) -> None:
    """Raises Problem 403 if the key that asks does not open this route."""
    route: APIRoute = request.scope["route"]
    needed = scope_of(request.method, route.tags)
    if needed not in key.scopes:
        detail = f"This key lacks the scope {needed.value!r}; use one that has it."
        raise Problem(403, "scope_missing", detail)
