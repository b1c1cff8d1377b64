"""Avatars: recorded, changed, listed."""

from typing import Any

from sqlalchemy import RowMapping, bindparam, case, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import ReturningUpdate

from services.ledger.adapters import cursors
from services.ledger.adapters.avatar_rows import avatar_of
from services.ledger.adapters.database import Database
from services.ledger.adapters.page_sizes import fitting
from services.ledger.adapters.schema import avatars
from services.ledger.domain.freezing import avatar_frozen
from shared.calls import (
    Avatar,
    AvatarFields,
    AvatarPage,
    AvatarRef,
    ChangeAvatar,
    CreateAvatar,
    ListAvatars,
)
from shared.problems import Problem, not_found

_EMPTY = {
    "user_id": None,
    "niche": None,
    "lora_weights_url": None,
    "lora_model_id": None,
    "trigger_word": None,
    "base_prompt": "",
    "negative_prompt": "",
    "likeness": None,
    "adult_attested_at": None,
}
"""What a cleared field becomes; the others cannot be cleared."""

_ONE = select(avatars).where(
    avatars.c.id == bindparam("avatar"), avatars.c.tenant == bindparam("of_tenant")
)


class Avatars:
    """The avatar book."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, request: CreateAvatar) -> Avatar:
        """Record an avatar; the same id again shows the one that is there.

        Raises Problem 422 without a name, 409 avatar_id_taken.
        """
        values = _given(request.fields)
        if "name" not in values:
            raise Problem(422, "invalid_request", "An avatar needs a name.", field="name")
        values.setdefault("stage", "ready" if values.get("lora_weights_url") else "draft")
        async with self._database.write() as transaction:
            await transaction.connection.execute(
                upsert(avatars)
                .values(id=request.avatar_id, tenant=request.tenant, **values)
                .on_conflict_do_nothing(index_elements=[avatars.c.id])
            )
            row = await _find(transaction.connection, request.tenant, request.avatar_id)
        if row is None:
            raise Problem(409, "avatar_id_taken", "This avatar id is in use.", field="avatar_id")
        return avatar_of(row)

    async def get(self, request: AvatarRef) -> Avatar:
        """One avatar. Raises Problem 404."""
        async with self._database.read() as connection:
            row = await _find(connection, request.tenant, request.avatar_id)
        if row is None:
            raise not_found("avatar", request.avatar_id)
        return avatar_of(row)

    async def change(self, request: ChangeAvatar) -> Avatar:
        """Change what is given and empty what is cleared.

        A handover that is older than the one before it changes nothing. Raises Problem 403
        avatar_frozen for other weights, 404, 422.
        """
        fixed = [name for name in request.clear if name not in _EMPTY]
        if fixed:
            raise Problem(422, "invalid_request", f"{fixed[0]} cannot be empty.", field=fixed[0])
        values = {name: _EMPTY[name] for name in request.clear} | _given(request.fields)
        async with self._database.write() as transaction:
            if "lora_weights_url" in values:
                await _check_thawed(transaction.connection, request, values["lora_weights_url"])
            changed = await transaction.connection.execute(_change(request, values))
            row = changed.mappings().one_or_none()
            if row is None:
                row = await _find(transaction.connection, request.tenant, request.avatar_id)
        if row is None:
            raise not_found("avatar", request.avatar_id)
        return avatar_of(row)

    async def list(self, request: ListAvatars) -> AvatarPage:
        """Avatars, newest first. Raises Problem 422 for a strange cursor.

        A page may be shorter than asked for: it ends where its size would.
        """
        place = tuple_(avatars.c.created_at, avatars.c.id)
        query = select(avatars).where(avatars.c.tenant == request.tenant)
        if request.cursor is not None:
            query = query.where(place < tuple_(*cursors.decode_moment(request.cursor)))
        query = query.order_by(avatars.c.created_at.desc(), avatars.c.id.desc())
        async with self._database.read() as connection:
            found = await connection.execute(query.limit(request.limit + 1))
            rows = found.mappings().all()
        shown = fitting(avatar_of(row) for row in rows[: request.limit])
        if len(shown) == len(rows):
            return AvatarPage(avatars=shown)
        last = shown[-1]
        return AvatarPage(avatars=shown, next_cursor=cursors.encode(last.created_at, last.id))


async def _check_thawed(
    connection: AsyncConnection, request: ChangeAvatar, weights: str | None
) -> None:
    """Hold the avatar; refuse other weights while it is frozen, which others could use then."""
    found = await connection.execute(
        select(avatars.c.frozen_at, avatars.c.lora_weights_url)
        .where(avatars.c.id == request.avatar_id, avatars.c.tenant == request.tenant)
        .with_for_update(key_share=True)
    )
    avatar = found.one_or_none()
    if avatar is not None and avatar.frozen_at is not None and avatar.lora_weights_url != weights:
        raise avatar_frozen("The avatar is frozen: it keeps its weights until it is unfrozen.")


def _change(request: ChangeAvatar, values: dict[str, Any]) -> ReturningUpdate[Any]:
    statement = (
        update(avatars)
        .where(avatars.c.id == request.avatar_id, avatars.c.tenant == request.tenant)
        .values(**values, updated_at=func.clock_timestamp())
        .returning(avatars)
    )
    if request.handed_over_at is None:
        return statement
    if "stage" not in values and values.get("lora_weights_url"):
        waits = avatars.c.stage.in_(("draft", "training"))
        statement = statement.values(stage=case((waits, "ready"), else_=avatars.c.stage))
    last = avatars.c.handed_over_at
    return statement.where(last.is_(None) | (last <= request.handed_over_at)).values(
        handed_over_at=request.handed_over_at
    )


def _given(fields: AvatarFields) -> dict[str, Any]:
    values = {
        name: value
        for name in type(fields).model_fields
        if (value := getattr(fields, name)) is not None
    }
    plain = fields.model_dump(mode="json")
    return values | {name: plain[name] for name in ("likeness", "meta_data") if name in values}


async def _find(connection: AsyncConnection, tenant: str, avatar_id: str) -> RowMapping | None:
    found = await connection.execute(_ONE, {"avatar": avatar_id, "of_tenant": tenant})
    return found.mappings().one_or_none()
