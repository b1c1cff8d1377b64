"""Pieces, held so that nobody else can end them meanwhile."""

from collections.abc import Iterable, Mapping

from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.adapters.conditions import among, named
from services.ledger.adapters.schema import content_pieces, pieces
from services.ledger.domain.endings import Standing
from shared.events import PieceFact

LockedPieces = Mapping[str, RowMapping]
"""Locked rows of `pieces` by id."""

_LOCK = select(pieces).where(named(pieces.c.id, "these")).order_by(pieces.c.id).with_for_update()


async def lock_pieces(connection: AsyncConnection, events: Iterable[PieceFact]) -> LockedPieces:
    """Lock the pieces that these facts are about, in the order of ids; some may be gone."""
    tenants = {event.piece_id: event.tenant for event in events}
    found = await connection.execute(_LOCK, {"these": list(tenants)})
    rows = {row["id"]: row for row in found.mappings()}
    return {ident: row for ident, row in rows.items() if row["tenant"] == tenants[ident]}


async def standings_of(connection: AsyncConnection, locked: LockedPieces) -> dict[str, Standing]:
    """Where locked pieces stand, with the key of the delivery that is recorded or held."""
    keys = {
        ident: row["held"]["delivery"]["object_key"]
        for ident, row in locked.items()
        if row["held"] is not None and row["ended_at"] is None
    }
    persisted = [ident for ident, row in locked.items() if row["content_id"] is not None]
    if persisted:
        # Its own statement: one that waited for the lock would not see content new since then.
        found = await connection.execute(
            select(content_pieces.c.id, content_pieces.c.object_key).where(
                among(content_pieces.c.id, persisted),
                # What was taken down has no files: those that come again have to go.
                content_pieces.c.taken_down_at.is_(None),
            )
        )
        keys |= {row.id: row.object_key for row in found}
    return {
        ident: Standing(
            row["state"],
            row["current_run"],
            object_key=keys.get(ident),
            reviewed=row["held"] is not None,
        )
        for ident, row in locked.items()
    }
