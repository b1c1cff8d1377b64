"""Avatars for which nothing more is made: what was generated for them is under an absolute block.

Locks go avatar, pieces, tasks, as everywhere. The avatar's keeps acceptances away until the pieces
that nobody has begun are ended; whoever accepts after it finds the avatar frozen.
"""

from collections.abc import Sequence

from sqlalchemy import RowMapping, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.adapters.avatar_rows import avatar_of
from services.ledger.adapters.conditions import UNDER_WAY
from services.ledger.adapters.database import Database, Transaction
from services.ledger.adapters.failing import fail
from services.ledger.adapters.moderation_log import note_action
from services.ledger.adapters.piece_locks import LockedPieces
from services.ledger.adapters.schema import avatars, moderation_actions, pieces
from services.ledger.domain.freezing import FROZEN
from services.ledger.domain.reviews import SYSTEM
from shared.calls import Avatar, UnfreezeAvatar
from shared.content import Verdict
from shared.events import ContentHalted
from shared.problems import Problem, not_found


async def lock_for_freeze(connection: AsyncConnection, event: ContentHalted) -> LockedPieces:
    """Lock the avatar of a halted piece, then the piece and all of the avatar that nobody began."""
    mine = (pieces.c.id == event.piece_id) & (pieces.c.tenant == event.tenant)
    found = await connection.execute(select(pieces.c.avatar_id).where(mine))
    avatar_id = found.scalar_one_or_none()
    if avatar_id is None:
        return {}
    await connection.execute(
        select(avatars.c.id).where(avatars.c.id == avatar_id).with_for_update()
    )
    unbegun = (pieces.c.avatar_id == avatar_id) & pieces.c.begun_at.is_(None)
    rows = await connection.execute(
        select(pieces)
        .where(or_(mine, unbegun & UNDER_WAY & (pieces.c.state == "requested")))
        # In one statement and one order: two that lock several pieces cannot wait for each other.
        .order_by(pieces.c.id)
        .with_for_update()
    )
    return {row["id"]: row for row in rows.mappings()}


async def freeze(
    transaction: Transaction, event: ContentHalted, verdict: Verdict, locked: LockedPieces
) -> set[str]:
    """Freeze the avatar of a locked piece, once for each piece, and end what nobody has begun.

    Gives the tasks that have fewer pieces to wait for. A freeze that was lifted does not come back
    when its cause is heard of again.
    """
    piece = locked.get(event.piece_id)
    if piece is None:
        return set()
    reason = f"{verdict.blocked} found on {verdict.blocked_on}"
    connection = transaction.connection
    if not await note_action(connection, piece, action="freeze", by=SYSTEM, reason=reason):
        return set()
    await connection.execute(
        update(avatars)
        .where(avatars.c.id == piece["avatar_id"], avatars.c.frozen_at.is_(None))
        .values(
            frozen_at=func.clock_timestamp(),
            frozen_reason=reason,
            frozen_by_piece=event.piece_id,
        )
    )
    unbegun: list[RowMapping] = [row for ident, row in locked.items() if ident != event.piece_id]
    detail = "its avatar was frozen before it was begun"
    await fail(transaction, unbegun, reason=FROZEN, detail=detail)
    return {row["task_id"] for row in unbegun}


class Freezes:
    """Lifts freezes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def unfreeze(self, request: UnfreezeAvatar) -> Avatar:
        """Let an avatar be used again; who did so, and why, and all that had frozen it, is kept.

        Raises Problem 404, 409 avatar_not_frozen.
        """
        async with self._database.write() as transaction:
            connection = transaction.connection
            mine = (avatars.c.id == request.avatar_id) & (avatars.c.tenant == request.tenant)
            found = await connection.execute(select(avatars).where(mine).with_for_update())
            frozen = found.mappings().one_or_none()
            if frozen is None:
                raise not_found("avatar", request.avatar_id)
            if frozen["frozen_at"] is None:
                raise Problem(409, "avatar_not_frozen", "The avatar is not frozen.")
            await _note_unfreeze(connection, request, frozen["frozen_by_piece"])
            thawed = await connection.execute(
                update(avatars)
                .where(mine)
                .values(frozen_at=None, frozen_reason=None, frozen_by_piece=None)
                .returning(avatars)
            )
            return avatar_of(thawed.mappings().one())


async def _note_unfreeze(
    connection: AsyncConnection, request: UnfreezeAvatar, piece_id: str | None
) -> None:
    causes = await _causes(connection, request.avatar_id)
    await connection.execute(
        insert(moderation_actions).values(
            tenant=request.tenant,
            action="unfreeze",
            avatar_id=request.avatar_id,
            piece_id=piece_id,
            by=request.by,
            reason=request.reason,
            causes=causes,
        )
    )


async def _causes(connection: AsyncConnection, avatar_id: str) -> Sequence[str]:
    """Pieces for which the locked avatar was frozen since it was last unfrozen."""
    noted, earlier = moderation_actions, moderation_actions.alias("earlier")
    lifted = select(func.max(earlier.c.id)).where(
        earlier.c.avatar_id == avatar_id, earlier.c.action == "unfreeze"
    )
    found = await connection.execute(
        select(noted.c.piece_id)
        .where(noted.c.avatar_id == avatar_id, noted.c.action == "freeze")
        .where(noted.c.id > func.coalesce(lifted.scalar_subquery(), 0))
        .order_by(noted.c.id)
    )
    return found.scalars().all()
