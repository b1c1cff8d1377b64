"""Issue, list and revoke API keys of the own tenant."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, Field

from services.gateway.handler.door import Open, Tenant, Token
from services.gateway.handler.json_types import Body, View
from services.gateway.handler.openapi import problems
from services.gateway.handler.pieces import Cursor
from services.gateway.handler.scopes import Key
from services.gateway.handler.strict_bodies import StrictRoute
from shared.api_keys import PlainKey
from shared.calls import (
    ISSUE_KEY,
    LIST_KEYS,
    REVOKE_KEY,
    ApiKey,
    IssueKey,
    KeyRecord,
    KeyRef,
    ListKeys,
    RateLimit,
    Scope,
)
from shared.calls.keys import KeyName
from shared.problems import Problem

router = APIRouter(prefix="/keys", tags=["keys"], route_class=StrictRoute)


class LimitBody(Body):
    """How many requests the key may make."""

    requests: int = Field(default=600, ge=1, le=1_000_000)
    window_s: int = Field(default=60, ge=1, le=86_400, description="seconds")


class IssueKeyBody(Body):
    """A new key."""

    name: KeyName = Field(examples=["nightly batches"])
    scopes: frozenset[Scope] = Field(
        min_length=1, description="none that the asking key lacks", examples=[["read", "write"]]
    )
    limit: LimitBody = LimitBody()
    expires_at: AwareDatetime | None = Field(default=None, description="never unless given")


class KeyView(View):
    """A key without its secret."""

    key_id: str
    name: str
    scopes: list[Scope]
    limit: RateLimit
    created_at: AwareDatetime
    expires_at: AwareDatetime | None
    revoked_at: AwareDatetime | None
    issued_by: str | None


class IssuedKey(KeyView):
    """A new key, whole: it is shown this once."""

    key: str = Field(description="send it as X-API-Key; it cannot be shown again")


class KeyList(View):
    """Some keys."""

    keys: list[KeyView]
    next_cursor: str | None


@router.post("", status_code=201, summary="Issue a key", responses=problems(409, 413))
async def issue_key(body: IssueKeyBody, door: Open, tenant: Tenant, asking: Key) -> IssuedKey:
    """A key for the same tenant. Keep it: only its hash is recorded."""
    _check(body, asking, door)
    plain = PlainKey.new()
    record = await door.ask(
        ISSUE_KEY,
        IssueKey(
            tenant=tenant,
            key_id=plain.key_id,
            secret_sha256=plain.secret_sha256,
            name=body.name,
            scopes=body.scopes,
            limit=RateLimit(requests=body.limit.requests, window_s=body.limit.window_s),
            expires_at=body.expires_at,
            issued_by=asking.key_id,
        ),
    )
    return IssuedKey(key=plain.whole, **_fields(record))


@router.get("", summary="All keys", responses=problems())
async def list_keys(
    door: Open,
    tenant: Tenant,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> KeyList:
    """Keys, newest first, also those that open nothing any more."""
    page = await door.ask(LIST_KEYS, ListKeys(tenant=tenant, cursor=cursor, limit=limit))
    keys = [KeyView.model_validate(_fields(record)) for record in page.keys]
    return KeyList(keys=keys, next_cursor=page.next_cursor)


@router.delete("/{key_id}", summary="Revoke a key", responses=problems(404, 409))
async def revoke_key(key_id: Token, door: Open, tenant: Tenant) -> KeyView:
    """End a key, for good. Other replicas of the gateway notice within seconds."""
    record = await door.ask(REVOKE_KEY, KeyRef(tenant=tenant, key_id=key_id))
    door.keys.forget(key_id)
    return KeyView.model_validate(_fields(record))


def _check(body: IssueKeyBody, asking: ApiKey, door: Open) -> None:
    if missing := sorted(body.scopes - asking.scopes):
        detail = f"This key lacks the scope {missing[0].value!r}, so it cannot give it on."
        raise Problem(403, "scope_missing", detail, field="scopes")
    if body.expires_at is not None and body.expires_at <= door.now():
        detail = "The key would have expired already; choose a later moment."
        raise Problem(422, "expires_in_the_past", detail, field="expires_at")


def _fields(record: KeyRecord) -> dict[str, object]:
    return {**dict(record), "scopes": sorted(record.scopes)}
