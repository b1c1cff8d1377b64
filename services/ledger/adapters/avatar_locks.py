"""Avatars, held so that nobody deletes or freezes them meanwhile."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.adapters.conditions import named
from services.ledger.adapters.schema import avatars

_LOCK = (
    select(avatars.c.id, avatars.c.frozen_at)
    .where(named(avatars.c.id, "these"))
    .order_by(avatars.c.id)
    .with_for_update(read=True, key_share=True)
)


async def lock_avatars(connection: AsyncConnection, avatar_ids: Iterable[str]) -> frozenset[str]:
    """Lock avatars in the order of ids, beside others who do so; ids of those that are frozen.

    Content points to the avatar: locking it after the piece could deadlock a deletion.
    """
    found = await connection.execute(_LOCK, {"these": list(set(avatar_ids))})
    return frozenset(row.id for row in found if row.frozen_at is not None)
