"""Requests that clients sent by keys of their choice: who answers them, and how."""

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.adapters.database import Database
from services.ledger.adapters.order_keys import KEPT, another_order
from services.ledger.adapters.schema import request_keys
from services.ledger.domain.request_keys import Standing
from shared.calls import (
    ClaimRequest,
    CompleteRequest,
    Nothing,
    ReleaseRequest,
    RequestClaim,
    RequestRef,
)

_BATCH = 1000
_MINE = (request_keys.c.tenant, request_keys.c.key)


class RequestKeys:
    """The book of requests by key."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, request: ClaimRequest) -> RequestClaim:
        """Begin a request, or tell how it stands. Raises Problem 409 idempotency_conflict."""
        async with self._database.write() as transaction:
            connection = transaction.connection
            await connection.execute(delete(request_keys).where(_of(request), _is_old()))
            if await _is_new(connection, request):
                return RequestClaim(state="go")
            row = await _locked(connection, request)
            if row is None:
                # Released a moment ago.
                return RequestClaim(state="wait")
            if row.body_sha256 != request.request_key.body_sha256:
                raise another_order()
            return await _go_on(connection, request, row)

    async def complete(self, request: CompleteRequest) -> RequestClaim:
        """Keep the answer, and tell which counts: that of the first of all holders."""
        answering = (
            update(request_keys)
            .where(_same(request), request_keys.c.answer.is_(None))
            .values(answer=request.answer)
        )
        async with self._database.write() as transaction:
            await transaction.connection.execute(answering)
            kept = await transaction.connection.scalar(
                select(request_keys.c.answer).where(_same(request))
            )
        return RequestClaim(state="done", answer=kept or request.answer)

    async def release(self, request: ReleaseRequest) -> Nothing:
        """Let others begin it at once: as if this holder had not where nothing was paid for."""
        mine = (
            _same(request),
            request_keys.c.holder == request.holder,
            request_keys.c.answer.is_(None),
            # Releasing again changes nothing.
            request_keys.c.held_until > func.clock_timestamp(),
        )
        news: dict[str, Any] = {"held_until": func.clock_timestamp()}
        if not request.was_paid_for:
            await self._database.do(delete(request_keys).where(*mine, request_keys.c.begun == 1))
            news["begun"] = request_keys.c.begun - 1
        await self._database.do(update(request_keys).where(*mine).values(news))
        return Nothing()

    async def forget_old(self) -> None:
        """Delete what is kept no longer, some at a time."""
        while await self._forget_some() == _BATCH:
            pass

    async def _forget_some(self) -> int:
        old = select(*_MINE).where(_is_old()).limit(_BATCH).with_for_update(skip_locked=True)
        async with self._database.write() as transaction:
            gone = await transaction.connection.execute(
                delete(request_keys).where(tuple_(*_MINE).in_(old))
            )
            return gone.rowcount


async def _is_new(connection: AsyncConnection, request: ClaimRequest) -> bool:
    entry = upsert(request_keys).values(
        tenant=request.tenant,
        key=request.request_key.key,
        body_sha256=request.request_key.body_sha256,
        holder=request.holder,
        held_until=_until(request),
    )
    written = await connection.execute(
        entry.on_conflict_do_nothing().returning(request_keys.c.begun)
    )
    return written.one_or_none() is not None


async def _locked(connection: AsyncConnection, request: ClaimRequest) -> Row[Any] | None:
    left = func.extract("epoch", request_keys.c.held_until - func.clock_timestamp())
    found = await connection.execute(
        select(request_keys, left.label("left_s")).where(_of(request)).with_for_update()
    )
    return found.one_or_none()


async def _go_on(connection: AsyncConnection, request: ClaimRequest, row: Row[Any]) -> RequestClaim:
    standing = Standing(
        is_mine=row.holder == request.holder,
        is_answered=row.answer is not None,
        begun=row.begun,
        left_s=float(row.left_s),
    )
    state = standing.state
    if state == "go" and standing.left_s <= 0:
        begun = {"holder": request.holder, "held_until": _until(request), "begun": row.begun + 1}
        await connection.execute(update(request_keys).where(_of(request)).values(begun))
    return RequestClaim(state=state, answer=row.answer)


def _until(request: ClaimRequest) -> ColumnElement[Any]:
    return func.clock_timestamp() + timedelta(seconds=request.lease_s)


def _of(request: ClaimRequest) -> ColumnElement[bool]:
    return (request_keys.c.tenant == request.tenant) & (
        request_keys.c.key == request.request_key.key
    )


def _same(request: RequestRef) -> ColumnElement[bool]:
    return (request_keys.c.tenant == request.tenant) & (request_keys.c.key == request.key)


def _is_old() -> ColumnElement[bool]:
    return request_keys.c.created_at < func.now() - KEPT
