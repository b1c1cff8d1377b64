"""API keys: the books keep only the hash of a secret."""

from typing import Any

from sqlalchemy import ColumnElement, RowMapping, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.adapters import cursors
from services.ledger.adapters.database import Database
from services.ledger.adapters.schema import api_keys
from shared.calls import (
    ApiKey,
    FindKey,
    IssueKey,
    KeyPage,
    KeyRecord,
    KeyRef,
    ListKeys,
    RateLimit,
    Scope,
)
from shared.problems import Problem, not_found

_VALID = api_keys.c.revoked_at.is_(None) & or_(
    api_keys.c.expires_at.is_(None), api_keys.c.expires_at > func.now()
)


class Keys:
    """The key book."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, request: IssueKey) -> KeyRecord:
        """Record a key; the same key again shows the record. Raises Problem 409 key_id_taken."""
        async with self._database.write() as transaction:
            await transaction.connection.execute(
                upsert(api_keys)
                .values(_columns(request))
                .on_conflict_do_nothing(index_elements=[api_keys.c.key_id])
            )
            row = await _find(transaction.connection, request.tenant, request.key_id)
        if row is None or row["secret_sha256"] != request.secret_sha256:
            raise Problem(409, "key_id_taken", "This key id is in use.", field="key_id")
        return _record(row)

    async def find(self, request: FindKey) -> ApiKey:
        """A key that opens something now. Raises Problem 404 for all others."""
        async with self._database.read() as connection:
            found = await connection.execute(
                select(api_keys).where(api_keys.c.key_id == request.key_id, _VALID)
            )
            row = found.mappings().one_or_none()
        if row is None:
            raise not_found("key", request.key_id)
        return ApiKey(**row, limit=_limit(row))

    async def list(self, request: ListKeys) -> KeyPage:
        """Keys of a tenant, newest first. Raises Problem 422 for a strange cursor."""
        place = tuple_(api_keys.c.created_at, api_keys.c.key_id)
        query = select(api_keys).where(api_keys.c.tenant == request.tenant)
        if request.cursor is not None:
            query = query.where(place < tuple_(*cursors.decode_moment(request.cursor)))
        query = query.order_by(api_keys.c.created_at.desc(), api_keys.c.key_id.desc())
        async with self._database.read() as connection:
            found = await connection.execute(query.limit(request.limit + 1))
            rows = found.mappings().all()
        shown = rows[: request.limit]
        last = shown[-1] if len(rows) > len(shown) else None
        return KeyPage(
            keys=tuple(_record(row) for row in shown),
            next_cursor=last and cursors.encode(last["created_at"], last["key_id"]),
        )

    async def revoke(self, request: KeyRef) -> KeyRecord:
        """End a key now, for good; revoking twice is revoking once.

        Raises Problem 404, and 409 last_admin_key.
        """
        async with self._database.write() as transaction:
            await _keep_an_administrator(transaction.connection, request)
            revoked = await transaction.connection.execute(
                update(api_keys)
                .where(_is(request.tenant, request.key_id))
                .values(revoked_at=func.coalesce(api_keys.c.revoked_at, func.clock_timestamp()))
                .returning(api_keys)
            )
            row = revoked.mappings().one_or_none()
        if row is None:
            raise not_found("key", request.key_id)
        return _record(row)


async def _keep_an_administrator(connection: AsyncConnection, request: KeyRef) -> None:
    # Locked in one order, so that two administrators cannot revoke each other at once.
    found = await connection.execute(
        select(api_keys.c.key_id)
        .where(api_keys.c.tenant == request.tenant, _VALID)
        .where(api_keys.c.scopes.contains([Scope.ADMIN.value]))
        .order_by(api_keys.c.key_id)
        .with_for_update()
    )
    if [row.key_id for row in found] == [request.key_id]:
        detail = "This is the last key that may issue others; issue another one first."
        raise Problem(409, "last_admin_key", detail, field="key_id")


async def _find(connection: AsyncConnection, tenant: str, key_id: str) -> RowMapping | None:
    found = await connection.execute(select(api_keys).where(_is(tenant, key_id)))
    return found.mappings().one_or_none()


def _is(tenant: str, key_id: str) -> ColumnElement[bool]:
    return (api_keys.c.tenant == tenant) & (api_keys.c.key_id == key_id)


def _columns(request: IssueKey) -> dict[str, Any]:
    return {
        "key_id": request.key_id,
        "tenant": request.tenant,
        "name": request.name,
        "secret_sha256": request.secret_sha256,
        "scopes": sorted(request.scopes),
        "limit_requests": request.limit.requests,
        "limit_window_s": request.limit.window_s,
        "expires_at": request.expires_at,
        "issued_by": request.issued_by,
    }


def _record(row: RowMapping) -> KeyRecord:
    return KeyRecord(**row, limit=_limit(row))


def _limit(row: RowMapping) -> RateLimit:
    return RateLimit(requests=row["limit_requests"], window_s=row["limit_window_s"])
