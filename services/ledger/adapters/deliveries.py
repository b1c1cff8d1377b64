"""Deliveries are recorded here, many at a time, each once: compare and set on locked rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from sqlalchemy import Update, bindparam, func, insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.adapters.avatar_locks import lock_avatars
from services.ledger.adapters.completion import complete_tasks
from services.ledger.adapters.content_rows import content_row, held_row, persisted_row
from services.ledger.adapters.database import Database, Transaction
from services.ledger.adapters.doubts import Doubts, doubts_about
from services.ledger.adapters.ending_facts import (
    held,
    persisted,
    remembered_delivery,
    remembered_end,
    withdrawn,
)
from services.ledger.adapters.failing import fail, staged_images
from services.ledger.adapters.history import remember
from services.ledger.adapters.near_duplicates import mark_near_duplicates
from services.ledger.adapters.piece_locks import LockedPieces, lock_pieces, standings_of
from services.ledger.adapters.schema import content_pieces, pieces
from services.ledger.adapters.settlements import settle_delivered
from services.ledger.adapters.tenant_locks import keep_out_takedowns
from services.ledger.domain.endings import (
    FAILED,
    PENDING_REVIEW,
    PERSISTED,
    Fate,
    Standing,
    fate_of_delivery,
)
from services.ledger.domain.freezing import FROZEN
from services.ledger.ports import Happening
from shared.events import ContentStored
from shared.signing import VerdictKeys

_FORBIDDEN = "the verdict does not allow the delivered bytes"
_WHY = {
    "brief_mismatch": "it was delivered as something else than what was ordered",
    FROZEN: "its avatar was frozen while it was under way",
    "verdict_unsigned": "nobody whose verdicts count has signed the verdict",
    "image_taken_down": "its like was taken down while it was under way",
}
_SETTLING = {Fate.PERSIST: PERSISTED, Fate.HOLD: PENDING_REVIEW, Fate.REFUSE: FAILED}


@dataclass(slots=True)
class _Sorted:
    """Deliveries by what becomes of them; `flaws` are those of pieces that are refused, by id."""

    by_fate: dict[Fate, list[ContentStored]] = field(
        default_factory=lambda: {fate: [] for fate in Fate}
    )
    flaws: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, fate: Fate) -> list[ContentStored]:
        return self.by_fate[fate]

    @property
    def settled(self) -> set[str]:
        """Ids of pieces that their tasks need not wait for any more."""
        return {event.piece_id for fate in _SETTLING for event in self.by_fate[fate]}


class Deliveries:
    """The book of deliveries. Locks go tenant, avatar, piece, task, always in this order."""

    def __init__(self, database: Database, keys: VerdictKeys) -> None:
        self._database = database
        self._keys = keys

    async def deliver(self, events: Sequence[ContentStored]) -> None:
        """Record each delivery, or see that its files go; all of them or none."""
        async with self._database.write() as transaction:
            connection = transaction.connection
            await keep_out_takedowns(connection, {event.tenant for event in events})
            frozen = await lock_avatars(connection, {event.brief.avatar_id for event in events})
            locked = await lock_pieces(connection, events)
            doubts = await doubts_about(
                connection, events, keys=self._keys, locked=locked, frozen=frozen
            )
            fates = _sort(events, await standings_of(connection, locked), doubts)
            await settle_delivered(connection, events)
            happenings = [remembered_delivery(event) for event in events]
            happenings += await _persist(transaction, fates[Fate.PERSIST], locked)
            happenings += await _hold(transaction, fates[Fate.HOLD])
            await remember(connection, happenings)
            await _refuse(transaction, fates, locked)
            for event in fates[Fate.WITHDRAW]:
                transaction.facts.append(
                    withdrawn(event, piece_is_gone=event.piece_id not in locked)
                )
            await complete_tasks(transaction, {locked[ident]["task_id"] for ident in fates.settled})


def _sort(
    events: Sequence[ContentStored], standings: Mapping[str, Standing], doubts: Doubts
) -> _Sorted:
    """Decide about each in turn; what the first does to a piece, the next about it finds done."""
    now = dict(standings)
    fates = _Sorted()
    for event in events:
        key = event.delivery.object_key
        flaw = doubts.about(event)
        fate = fate_of_delivery(
            now.get(event.piece_id),
            run=event.run,
            object_key=key,
            held=event.delivery.held,
            flaw=flaw,
        )
        fates[fate].append(event)
        if fate is Fate.REFUSE and flaw is not None:
            fates.flaws[event.piece_id] = flaw
        if fate in _SETTLING:
            kept = None if fate is Fate.REFUSE else key
            now[event.piece_id] = Standing(_SETTLING[fate], event.run, object_key=kept)
    return fates


async def _persist(
    transaction: Transaction, events: Sequence[ContentStored], locked: LockedPieces
) -> list[Happening]:
    if not events:
        return []
    connection = transaction.connection
    rows = [content_row(event, locked[event.piece_id]) for event in events]
    await connection.execute(insert(content_pieces), rows)
    await mark_near_duplicates(connection, events)
    await _settle(connection, [persisted_row(event) for event in events], at="ended_at")
    staged = await staged_images(connection, [event.piece_id for event in events])
    facts = [persisted(event, staged.get(event.piece_id, ())) for event in events]
    transaction.facts.extend(facts)
    return [remembered_end(fact, {"object_key": fact.object_key}) for fact in facts]


async def _hold(transaction: Transaction, events: Sequence[ContentStored]) -> list[Happening]:
    if events:
        await _settle(transaction.connection, [held_row(event) for event in events], at="held_at")
    return [held(event) for event in events]


async def _settle(
    connection: AsyncConnection,
    rows: Sequence[dict[str, object]],
    *,
    at: Literal["ended_at", "held_at"],
) -> None:
    """Give each piece its columns; every row has `piece`, the id, and the same other names.

    `at` is the column of the moment.
    """
    columns = tuple(sorted(rows[0].keys() - {"piece"}))
    await connection.execute(_settling(columns, at), rows)


@cache
def _settling(columns: tuple[str, ...], at: str) -> Update:
    values: dict[str, Any] = {name: bindparam(name) for name in columns}
    values["progressed_at"] = values[at] = func.clock_timestamp()
    return update(pieces).where(pieces.c.id == bindparam("piece")).values(values)


async def _refuse(transaction: Transaction, fates: _Sorted, locked: LockedPieces) -> None:
    for event in fates[Fate.REFUSE]:
        reason = fates.flaws[event.piece_id]
        detail = _WHY.get(reason, _FORBIDDEN)
        await fail(transaction, [locked[event.piece_id]], reason=reason, detail=detail)
        transaction.facts.append(withdrawn(event, piece_is_gone=False))
