"""Pieces end here, each once: compare and set on the piece's locked row."""

from typing import Any

from sqlalchemy import RowMapping, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.adapters.completion import complete_tasks
from services.ledger.adapters.content_rows import content_row, verdict_columns
from services.ledger.adapters.database import Database, Transaction
from services.ledger.adapters.failing import fail, staged_images
from services.ledger.adapters.history import remember
from services.ledger.adapters.schema import avatars, content_pieces, pieces
from services.ledger.domain.endings import (
    PENDING_REVIEW,
    PERSISTED,
    REJECTED,
    Fate,
    Standing,
    fate_of_delivery,
    flaw_of,
    halt_ends_piece,
    state_after_halt,
)
from services.ledger.domain.progress import STORED
from services.ledger.ports import Happening
from shared.content import BlobRef, Verdict
from shared.events import (
    ContentHalted,
    ContentPersisted,
    ContentRejected,
    ContentStored,
    DeliveryWithdrawn,
    PieceFact,
)

_HELD = "content.held"


class Endings:
    """Writes down how pieces end. Locks go avatar, piece, task, always in this order."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def deliver(self, event: ContentStored) -> None:
        """Record a delivery, or see that its files go."""
        async with self._database.write() as transaction:
            connection = transaction.connection
            # Content points to the avatar; locking it after the piece could deadlock a deletion.
            await connection.execute(
                select(avatars.c.id)
                .where(avatars.c.id == event.brief.avatar_id)
                .with_for_update(read=True, key_share=True)
            )
            piece = await _locked(connection, event)
            await remember(connection, [_happening(event, event.NAME, _delivered(event))])
            flaw = flaw_of(
                event.verdict,
                source_sha256=event.delivery.source_sha256,
                held=event.delivery.held,
                template_id=event.brief.template_id,
            )
            fate = fate_of_delivery(
                await _standing(connection, piece),
                run=event.run,
                object_key=event.delivery.object_key,
                held=event.delivery.held,
                flaw=flaw,
            )
            await _carry_out(transaction, fate, event, piece, flaw)

    async def halt(self, event: ContentHalted) -> None:
        """End a piece that cannot go on, unless it has ended or another run is at it."""
        async with self._database.write() as transaction:
            connection = transaction.connection
            piece = await _locked(connection, event)
            detail: dict[str, object] = {
                "stage": event.stage,
                "reason": event.reason,
                "detail": event.detail,
            }
            await remember(connection, [_happening(event, event.NAME, detail)])
            standing = await _standing(connection, piece)
            if piece is None or not halt_ends_piece(standing, run=event.run):
                return
            if state_after_halt(event.verdict) == REJECTED and event.verdict is not None:
                await _reject(transaction, event, event.verdict)
            else:
                await fail(transaction, [piece], reason=event.reason, detail=event.detail)
            await complete_tasks(transaction, [event.task_id])


async def _locked(connection: AsyncConnection, event: PieceFact) -> RowMapping | None:
    found = await connection.execute(
        select(pieces)
        .where(pieces.c.id == event.piece_id, pieces.c.tenant == event.tenant)
        .with_for_update()
    )
    return found.mappings().one_or_none()


async def _standing(connection: AsyncConnection, piece: RowMapping | None) -> Standing | None:
    if piece is None:
        return None
    key = piece["held"]["delivery"]["object_key"] if piece["held"] else None
    if piece["content_id"] is not None:
        # Its own statement: one that waited for the lock would not see content new since then.
        found = await connection.execute(
            select(content_pieces.c.object_key).where(content_pieces.c.id == piece["content_id"])
        )
        key = found.scalar_one()
    return Standing(piece["state"], piece["current_run"], object_key=key)


async def _carry_out(
    transaction: Transaction,
    fate: Fate,
    event: ContentStored,
    piece: RowMapping | None,
    flaw: str | None,
) -> None:
    match fate:
        case Fate.PERSIST:
            await _persist(transaction, event)
        case Fate.HOLD:
            await _hold(transaction, event)
        case Fate.REFUSE if piece is not None:
            detail = "the verdict does not allow the delivered bytes"
            await fail(transaction, [piece], reason=flaw or "verdict_forbids", detail=detail)
            _withdraw(transaction, event, piece)
        case Fate.WITHDRAW:
            _withdraw(transaction, event, piece)
            return
        case _:
            return
    await complete_tasks(transaction, [event.task_id])


async def _persist(transaction: Transaction, event: ContentStored) -> None:
    connection = transaction.connection
    await connection.execute(insert(content_pieces).values(content_row(event)))
    await connection.execute(
        update(pieces)
        .where(pieces.c.id == event.piece_id)
        .values(
            state=PERSISTED,
            content_id=event.piece_id,
            ended_at=func.clock_timestamp(),
            **_reached(event),
        )
    )
    fact = ContentPersisted(
        **_ending(event),
        staged=await _staged(connection, event, event.image),
        image_sha256=event.delivery.image_sha256,
        object_key=event.delivery.object_key,
    )
    transaction.facts.append(fact)
    await remember(connection, [_happening(event, fact.NAME, {"object_key": fact.object_key})])


async def _hold(transaction: Transaction, event: ContentStored) -> None:
    await transaction.connection.execute(
        update(pieces)
        .where(pieces.c.id == event.piece_id)
        .values(
            state=PENDING_REVIEW,
            held=event.model_dump(mode="json"),
            reason=PENDING_REVIEW,
            detail=event.verdict.reason,
            **_reached(event),
        )
    )
    detail: dict[str, object] = {"reason": event.verdict.reason}
    await remember(transaction.connection, [_happening(event, _HELD, detail)])


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
    fact = ContentRejected(
        **_ending(event), staged=await _staged(connection, event), reason=event.reason
    )
    transaction.facts.append(fact)
    detail: dict[str, object] = {"reason": event.reason, "detail": verdict.reason}
    await remember(connection, [_happening(event, fact.NAME, detail)])


def _withdraw(transaction: Transaction, event: ContentStored, piece: RowMapping | None) -> None:
    transaction.facts.append(
        DeliveryWithdrawn(
            tenant=event.tenant,
            task_id=event.task_id,
            piece_id=event.piece_id,
            run=event.run,
            object_keys=(event.delivery.object_key, event.delivery.thumbnail_key),
            reason="avatar_deleted" if piece is None else "superseded",
        )
    )


async def _staged(
    connection: AsyncConnection, event: PieceFact, *known: BlobRef
) -> tuple[BlobRef, ...]:
    noted = (await staged_images(connection, [event.piece_id])).get(event.piece_id, ())
    return tuple(dict.fromkeys((*known, *noted)))


def _reached(event: ContentStored) -> dict[str, object]:
    return {
        "reached": STORED,
        "current_run": event.run,
        "progressed_at": func.clock_timestamp(),
        "image_sha256": event.image.sha256,
        **verdict_columns(event.verdict),
    }


def _ending(event: PieceFact) -> dict[str, Any]:
    return {
        "tenant": event.tenant,
        "task_id": event.task_id,
        "piece_id": event.piece_id,
        "run": event.run,
        "avatar_id": event.brief.avatar_id,
    }


def _happening(event: PieceFact, fact: str, detail: dict[str, object]) -> Happening:
    return Happening(
        tenant=event.tenant,
        task_id=event.task_id,
        piece_id=event.piece_id,
        avatar_id=event.brief.avatar_id,
        run=event.run,
        fact=fact,
        detail=detail,
    )


def _delivered(event: ContentStored) -> dict[str, object]:
    return {
        "object_key": event.delivery.object_key,
        "size": event.delivery.size,
        "public": event.delivery.public,
        "held": event.delivery.held,
    }
