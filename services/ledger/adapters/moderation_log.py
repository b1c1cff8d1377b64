"""What was done to pieces and avatars for the sake of safety, by whom and why; only ever added."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, RowMapping, Select, any_, or_, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.adapters import cursors
from services.ledger.adapters.database import Database
from services.ledger.adapters.page_sizes import fitting
from services.ledger.adapters.schema import moderation_actions
from shared.calls import ActionPage, ListActions, ModerationAction
from shared.calls.reviews import ActionKind


class ModerationLog:
    """The record, as administrators read it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self, request: ListActions) -> ActionPage:
        """Actions, newest first. Raises Problem 422 for a strange cursor.

        A page may be shorter than asked for: it ends where its size would.
        """
        async with self._database.read() as connection:
            found = await connection.execute(_query(request).limit(request.limit + 1))
            rows = found.all()
        shown = fitting(_action_of(row) for row in rows[: request.limit])
        if len(shown) == len(rows):
            return ActionPage(actions=shown)
        return ActionPage(actions=shown, next_cursor=cursors.encode(rows[len(shown) - 1].id))


async def note_action(
    connection: AsyncConnection, piece: RowMapping, *, action: ActionKind, by: str, reason: str
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


async def note_take_downs(
    connection: AsyncConnection, contents: Sequence[Row[Any]], *, by: str, reason: str
) -> None:
    """Note that these finished pieces were taken down, each for itself."""
    rows = [
        {
            "tenant": content.tenant,
            "action": "take_down",
            "avatar_id": content.avatar_id,
            "piece_id": content.id,
            "by": by,
            "reason": reason,
        }
        for content in contents
    ]
    await connection.execute(upsert(moderation_actions).on_conflict_do_nothing(), rows)


def _query(request: ListActions) -> Select[Any]:
    noted = moderation_actions.c
    query = select(moderation_actions).where(noted.tenant == request.tenant)
    if request.avatar_id is not None:
        query = query.where(noted.avatar_id == request.avatar_id)
    if request.piece_id is not None:
        is_cause = any_(noted.causes) == request.piece_id
        query = query.where(or_(noted.piece_id == request.piece_id, is_cause))
    if request.action is not None:
        query = query.where(noted.action == request.action)
    if request.cursor is not None:
        query = query.where(noted.id < cursors.decode_index(request.cursor))
    return query.order_by(noted.id.desc())


def _action_of(row: Row[Any]) -> ModerationAction:
    return ModerationAction.model_validate(dict(row._mapping))  # noqa: SLF001 - its public name
