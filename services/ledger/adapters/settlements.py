"""Calls that have ended: outcome and cost, each counted once."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Update, bindparam, case, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.adapters.attempt_locks import attempts_held
from services.ledger.adapters.conditions import named
from services.ledger.adapters.database import Database
from services.ledger.adapters.ending_facts import is_in_review
from services.ledger.adapters.rowsets import rows_in
from services.ledger.adapters.schema import attempts, tasks
from shared.content import CaptionSource
from shared.events import AttemptSettled, ContentStored
from shared.outcomes import TryLater

# In one order, as all that hold several: two cannot wait for each other.
_LOCK = (
    select(attempts.c.attempt_id, attempts.c.settled_at)
    .where(named(attempts.c.attempt_id, "these"))
    .order_by(attempts.c.attempt_id)
    .with_for_update()
)


_TOLD = ("duration_ms", "cost_usd_micros", "image", "generation", "captions")
_CALL = ("attempt_id", "kind", "piece_id", *_TOLD)

# A delivery cannot tell how long a call for captions took; the call's own settlement can.
_IS_SETTLED = select(attempts.c.attempt_id).where(
    named(attempts.c.attempt_id, "these"),
    attempts.c.settled_at.is_not(None),
    attempts.c.duration_ms.is_not(None) | (attempts.c.kind != "captions"),
)


class Settlements:
    """The book of settlements."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def settle(self, events: Sequence[AttemptSettled]) -> None:
        """Record outcome and cost of each exactly once, however often the fact is delivered."""
        events = await self._unsettled(events)
        if not events:
            return
        async with self._database.write() as transaction:
            connection = transaction.connection
            settled_by_id = await _locked(connection, {event.attempt_id for event in events})
            fresh = {
                event.attempt_id: event
                for event in reversed(events)
                if settled_by_id.get(event.attempt_id) is False
            }
            await _settle(connection, fresh.values())
            await _note_durations(
                connection, [event for event in events if settled_by_id.get(event.attempt_id)]
            )
            for event in events:
                if event.attempt_id not in settled_by_id:
                    await _settle_unheard_of(connection, event)

    async def _unsettled(self, events: Sequence[AttemptSettled]) -> Sequence[AttemptSettled]:
        """Those that may be news. Most calls are settled by their delivery, and stay so."""
        found = await self._database.ask(
            _IS_SETTLED, {"these": [event.attempt_id for event in events]}
        )
        settled = {row.attempt_id for row in found}
        return [event for event in events if event.attempt_id not in settled]


async def _locked(connection: AsyncConnection, attempt_ids: Iterable[str]) -> dict[str, bool]:
    """The known ones of these calls, held: whether they are settled, by their ids."""
    found = await connection.execute(_LOCK, {"these": list(attempt_ids)})
    return {row.attempt_id: row.settled_at is not None for row in found}


async def _settle(connection: AsyncConnection, events: Iterable[AttemptSettled]) -> None:
    by_columns: defaultdict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        values = _settlement(event)
        by_columns[tuple(values)].append({"settled": event.attempt_id, **values})
    for columns, rows in by_columns.items():
        await connection.execute(_settling(columns), rows)


@cache
def _settling(columns: tuple[str, ...]) -> Update:
    values: dict[str, Any] = {name: bindparam(name) for name in columns}
    values |= {"cost_usd_micros": _cost(), "settled_at": func.clock_timestamp()}
    return update(attempts).where(attempts.c.attempt_id == bindparam("settled")).values(values)


async def _note_durations(connection: AsyncConnection, events: Iterable[AttemptSettled]) -> None:
    """A delivery that settles a call for captions cannot tell how long it took."""
    rows = [
        {"settled": event.attempt_id, "took_ms": event.duration_ms}
        for event in events
        if event.kind == "captions"
    ]
    if rows:
        await connection.execute(
            update(attempts)
            .where(attempts.c.attempt_id == bindparam("settled"), attempts.c.duration_ms.is_(None))
            .values(duration_ms=bindparam("took_ms")),
            rows,
        )


def _cost() -> ColumnElement[int]:
    """What was charged; of what nobody knows the end of, the bill knows more than its caller."""
    is_reconciled = attempts.c.reconciled_at.is_not(None)
    return case(
        (is_reconciled & (bindparam("outcome") == "unknown"), attempts.c.cost_usd_micros),
        else_=bindparam("cost_usd_micros"),
    )


def _settling_delivered() -> Update:
    calls = rows_in("calls", attempts, _CALL)
    held = attempts_held("delivered")
    values: dict[str, Any] = {
        name: func.coalesce(calls.c[name], attempts.c[name]) for name in _TOLD
    }
    values |= {"outcome": "succeeded", "error_code": None, "settled_at": func.clock_timestamp()}
    return (
        update(attempts)
        .where(attempts.c.attempt_id == held.c.attempt_id, attempts.c.settled_at.is_(None))
        .where(attempts.c.attempt_id == calls.c.attempt_id, attempts.c.kind == calls.c.kind)
        .where(attempts.c.piece_id == calls.c.piece_id)
        .values(values)
    )


SETTLE_DELIVERED = _settling_delivered()
"""Settle the `calls` of deliveries that nobody has settled yet; `delivered` are their ids.

Their own settlement may be on its way: a task that completes thereby tells its whole cost, however
late the other stream is read.
"""


def delivered_calls(events: Iterable[ContentStored]) -> list[dict[str, Any]]:
    """The calls that these pieces came from, for `SETTLE_DELIVERED`.

    What comes out of review was settled when it was held, with the address of its staged bytes. An
    earlier image that stands in, and written captions, came from no call.
    """
    images = [_image(event) for event in events if _is_made(event)]
    bought = [event for event in events if event.captions.source is CaptionSource.MODEL]
    return images + [_captions(event) for event in bought]


def _is_made(event: ContentStored) -> bool:
    return bool(event.generation.attempt_id) and not is_in_review(event)


def _image(event: ContentStored) -> dict[str, Any]:
    return {
        "attempt_id": event.generation.attempt_id,
        "kind": "image",
        "piece_id": event.piece_id,
        "duration_ms": event.generation.generation_time_ms,
        "cost_usd_micros": event.generation.cost_usd_micros,
        "image": event.image.model_dump(mode="json"),
        "generation": event.generation.model_dump(mode="json"),
    }


def _captions(event: ContentStored) -> dict[str, Any]:
    return {
        "attempt_id": event.captions.attempt_id,
        "kind": "captions",
        "piece_id": event.piece_id,
        "cost_usd_micros": event.captions.cost_usd_micros,
        "captions": event.captions.model_dump(mode="json"),
    }


def _settlement(event: AttemptSettled) -> dict[str, Any]:
    values: dict[str, Any] = {
        "outcome": event.outcome,
        "error_code": event.error_code,
        "detail": event.detail,
        "duration_ms": event.duration_ms,
        "cost_usd_micros": event.cost_usd_micros,
    }
    if event.kind == "captions":
        return values | {"captions": event.captions and event.captions.model_dump(mode="json")}
    if event.image is not None:
        values["image"] = event.image.model_dump(mode="json")
    if event.generation is not None:
        values["generation"] = event.generation.model_dump(mode="json")
    return values


async def _settle_unheard_of(connection: AsyncConnection, event: AttemptSettled) -> None:
    """Record a call that was settled before, or that these books never opened: it did cost."""
    if await _is_known(connection, event):
        return
    last = select(func.coalesce(func.max(attempts.c.number), 0) + 1).where(
        attempts.c.piece_id == event.piece_id
    )
    avatar = select(tasks.c.avatar_id).where(tasks.c.id == event.task_id)
    await connection.execute(
        upsert(attempts)
        .values(
            attempt_id=event.attempt_id,
            number=last.scalar_subquery(),
            tenant=event.tenant,
            task_id=event.task_id,
            piece_id=event.piece_id,
            avatar_id=avatar.scalar_subquery(),
            run=event.run,
            kind=event.kind,
            provider=event.provider,
            holder="unknown",
            lease_until=func.clock_timestamp(),
            settled_at=func.clock_timestamp(),
            **_settlement(event),
        )
        .on_conflict_do_nothing()
    )
    if not await _is_known(connection, event):
        raise TryLater("another attempt of this piece took the number")


async def _is_known(connection: AsyncConnection, event: AttemptSettled) -> bool:
    known = exists().where(attempts.c.attempt_id == event.attempt_id)
    return bool((await connection.execute(select(known))).scalar_one())
