"""What was done to pieces and avatars for the sake of safety, by whom and why; only ever added."""

from typing import Literal

from sqlalchemy import RowMapping
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.adapters.schema import moderation_actions

Action = Literal["freeze", "take_down", "review_expire"]


async def note_action(
    connection: AsyncConnection, piece: RowMapping, *, action: Action, by: str, reason: str
) -> bool:
    """Note what was done because of a piece; False if it was done before. Each is done once."""
    noted = await connection.execute(
        upsert(moderation_actions)
        .values(
            tenant=piece["tenant"],
            action=action,
            avatar_id=piece["avatar_id"],
            piece_id=piece["id"],
            by=by,
            reason=reason,
        )
        .on_conflict_do_nothing()
        .returning(moderation_actions.c.id)
    )
    return noted.one_or_none() is not None
