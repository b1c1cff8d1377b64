"""Pieces that cannot go on end here."""

from sqlalchemy import func, update

from services.ledger.adapters.completion import complete_tasks
from services.ledger.adapters.content_rows import verdict_columns
from services.ledger.adapters.database import Database, Transaction
from services.ledger.adapters.ending_facts import rejected, remembered_end, remembered_halt
from services.ledger.adapters.failing import fail, staged_images
from services.ledger.adapters.freezing import freeze, lock_for_freeze
from services.ledger.adapters.history import remember
from services.ledger.adapters.next_run import begin_next_run
from services.ledger.adapters.piece_locks import LockedPieces, lock_pieces, standings_of
from services.ledger.adapters.schema import pieces
from services.ledger.domain.endings import (
    REJECTED,
    freezes_avatar,
    halt_ends_piece,
    is_made_again,
    state_after_halt,
)
from shared.content import Verdict
from shared.events import ContentHalted
from shared.signing import VerdictKeys

_UNSIGNED = "nobody whose verdicts count has signed the verdict"


class Halts:
    """The book of halts."""

    def __init__(self, database: Database, keys: VerdictKeys) -> None:
        self._database = database
        self._keys = keys

    async def halt(self, event: ContentHalted) -> None:
        """End a piece that cannot go on, unless it has ended or another run is at it.

        A piece whose private bytes were lost is asked for again instead. An absolute block that was
        found on what was generated freezes the avatar besides. A verdict that nobody vouches for
        does neither that nor reject.
        """
        event = self._believed(event)
        async with self._database.write() as transaction:
            connection = transaction.connection
            fewer: set[str] = set()
            if freezes_avatar(event.verdict) and event.verdict is not None:
                locked = await lock_for_freeze(connection, event)
                fewer = await freeze(transaction, event, event.verdict, locked)
            else:
                locked = await lock_pieces(connection, [event])
            await remember(connection, [remembered_halt(event)])
            if await _end(transaction, event, locked):
                fewer.add(event.task_id)
            await complete_tasks(transaction, fewer)

    def _believed(self, event: ContentHalted) -> ContentHalted:
        if event.verdict is None or self._keys.vouch_for(event, event.verdict):
            return event
        return event.model_copy(
            update={"verdict": None, "reason": "verdict_unsigned", "detail": _UNSIGNED}
        )


async def _end(transaction: Transaction, event: ContentHalted, locked: LockedPieces) -> bool:
    """End the locked piece or ask for it again; whether its task waits for it no more."""
    standing = (await standings_of(transaction.connection, locked)).get(event.piece_id)
    if not halt_ends_piece(standing, run=event.run):
        return False
    if is_made_again(standing, event.reason, run=event.run):
        is_it = pieces.c.id == event.piece_id
        await begin_next_run(transaction, is_it, because=event.reason)
        return False
    if state_after_halt(event.verdict) == REJECTED and event.verdict is not None:
        await _reject(transaction, event, event.verdict)
    else:
        piece = locked[event.piece_id]
        await fail(transaction, [piece], reason=event.reason, detail=event.detail)
    return True


async def _reject(transaction: Transaction, event: ContentHalted, verdict: Verdict) -> None:
    connection = transaction.connection
    await connection.execute(
        update(pieces)
        .where(pieces.c.id == event.piece_id)
        .values(
            state=REJECTED,
            reason=event.reason,
            detail=event.detail,
            ended_at=func.clock_timestamp(),
            progressed_at=func.clock_timestamp(),
            **verdict_columns(verdict),
        )
    )
    staged = await staged_images(connection, [event.piece_id])
    fact = rejected(event, staged.get(event.piece_id, ()))
    transaction.facts.append(fact)
    detail: dict[str, object] = {"reason": event.reason, "detail": verdict.reason}
    await remember(connection, [remembered_end(fact, detail)])
