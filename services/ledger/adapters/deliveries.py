"""Deliveries are recorded here, many at a time, each once: compare and set on locked rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.adapters.completion import complete_tasks
from services.ledger.adapters.content_rows import held_row
from services.ledger.adapters.database import Database, Transaction
from services.ledger.adapters.delivery_locks import hold
from services.ledger.adapters.delivery_records import Record, record
from services.ledger.adapters.doubts import Doubts, doubts_about
from services.ledger.adapters.ending_facts import (
    held,
    persisted,
    remembered_delivery,
    remembered_persistence,
    withdrawn,
)
from services.ledger.adapters.failing import fail
from services.ledger.adapters.near_duplicates import mark_near_duplicates
from services.ledger.adapters.piece_locks import LockedPieces, standings_of
from services.ledger.adapters.schema import pieces
from services.ledger.domain.endings import (
    FAILED,
    PENDING_REVIEW,
    PERSISTED,
    Fate,
    Standing,
    fate_of_delivery,
)
from services.ledger.domain.freezing import FROZEN
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
            locked, frozen = await hold(connection, events)
            doubts = await doubts_about(
                connection, events, keys=self._keys, locked=locked, frozen=frozen
            )
            fates = _sort(events, await standings_of(connection, locked), doubts)
            await _record(transaction, events, fates, locked)
            await _keep_for_review(connection, fates[Fate.HOLD])
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


async def _record(
    transaction: Transaction,
    events: Sequence[ContentStored],
    fates: _Sorted,
    locked: LockedPieces,
) -> None:
    done = fates[Fate.PERSIST]
    happenings = [
        *(remembered_delivery(event) for event in events),
        *(remembered_persistence(event) for event in done),
        *(held(event) for event in fates[Fate.HOLD]),
    ]
    connection = transaction.connection
    staged = await record(connection, Record(events, done, happenings), locked)
    await mark_near_duplicates(connection, done)
    transaction.facts.extend(persisted(event, staged.get(event.piece_id, ())) for event in done)


async def _keep_for_review(connection: AsyncConnection, events: Sequence[ContentStored]) -> None:
    for event in events:
        await connection.execute(
            update(pieces)
            .where(pieces.c.id == event.piece_id)
            .values(
                held_at=func.clock_timestamp(),
                progressed_at=func.clock_timestamp(),
                **held_row(event),
            )
        )


async def _refuse(transaction: Transaction, fates: _Sorted, locked: LockedPieces) -> None:
    for event in fates[Fate.REFUSE]:
        reason = fates.flaws[event.piece_id]
        detail = _WHY.get(reason, _FORBIDDEN)
        await fail(transaction, [locked[event.piece_id]], reason=reason, detail=detail)
        transaction.facts.append(withdrawn(event, piece_is_gone=False))
