"""Provider calls page by page, for those who compare them with a bill."""

from typing import Any

from sqlalchemy import Row, Select, select, tuple_

from services.ledger.adapters import cursors
from services.ledger.adapters.conditions import CALLING, NEVER_TOLD
from services.ledger.adapters.database import Database
from services.ledger.adapters.page_sizes import fitting
from services.ledger.adapters.schema import attempts
from shared.calls import AttemptPage, BookedAttempt, ListAttempts

_RARE = {"open": CALLING, "unknown": NEVER_TOLD}
"""Outcomes that an index knows of. `unknown` is what waits to be reconciled."""


class AttemptList:
    """The attempt book, for reading."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self, request: ListAttempts) -> AttemptPage:
        """Calls, newest first; of the `unknown` ones those that nobody has reconciled.

        A page may be shorter than asked for: it ends where its size would. Raises Problem 422 for
        a strange cursor.
        """
        async with self._database.read() as connection:
            found = await connection.execute(_query(request).limit(request.limit + 1))
            rows = found.all()
        shown = fitting(booked(row) for row in rows[: request.limit])
        if len(shown) == len(rows):
            return AttemptPage(attempts=shown)
        last = shown[-1]
        cursor = cursors.encode(last.opened_at, last.attempt_id)
        return AttemptPage(attempts=shown, next_cursor=cursor)


def booked(row: Row[Any]) -> BookedAttempt:
    """A call as it stands in the books."""
    said = dict(row._mapping)  # noqa: SLF001 - its public name
    return BookedAttempt.model_validate(said | {"detail": row.detail or ""})


def _query(request: ListAttempts) -> Select[Any]:
    place = tuple_(attempts.c.opened_at, attempts.c.attempt_id)
    query = select(attempts).where(attempts.c.tenant == request.tenant)
    if request.outcome is not None:
        query = query.where(_RARE.get(request.outcome, attempts.c.outcome == request.outcome))
    if request.provider is not None:
        query = query.where(attempts.c.provider == request.provider)
    if request.piece_id is not None:
        query = query.where(attempts.c.piece_id == request.piece_id)
    if request.cursor is not None:
        query = query.where(place < tuple_(*cursors.decode_moment(request.cursor)))
    return query.order_by(attempts.c.opened_at.desc(), attempts.c.attempt_id.desc())
