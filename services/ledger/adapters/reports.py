"""Totals of an avatar and of the whole ledger, computed by the database."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    ScalarSelect,
    Table,
    cast,
    func,
    select,
)

from services.ledger.adapters.database import Database
from services.ledger.adapters.schema import attempts, avatars, content_pieces, outbox, pieces, tasks
from shared.calls import AvatarRef, AvatarStats, LedgerHealth, Nothing
from shared.problems import not_found


class Reports:
    """The reporting desk."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def stats(self, request: AvatarRef) -> AvatarStats:
        """Totals of an avatar in one question. Raises Problem 404.

        The average cost is per delivered piece, the average time per image that was made. What was
        taken down is delivered no more, but has cost what it has cost.
        """
        async with self._database.read() as connection:
            found = await connection.execute(_stats_query(request))
            row = found.one_or_none()
        if row is None:
            raise not_found("avatar", request.avatar_id)
        return AvatarStats(
            avatar_id=request.avatar_id,
            total_pieces=row.delivered,
            tiers=row.tiers,
            ratings=row.ratings,
            states=row.states,
            total_cost_usd_micros=row.cost,
            average_cost_usd_micros=row.cost // max(1, row.delivered),
            total_generation_time_ms=row.duration,
            average_generation_time_ms=row.duration // max(1, row.made),
            first_at=row.first_at,
            last_at=row.last_at,
        )

    async def health(self, _: Nothing) -> LedgerHealth:
        """How much there is, and how busy we are."""
        async with self._database.read() as connection:
            found = await connection.execute(
                select(
                    _count(avatars),
                    _count(content_pieces).label("pieces"),
                    select(func.count())
                    .where(tasks.c.completed_at.is_(None))
                    .scalar_subquery()
                    .label("tasks_open"),
                    _count(outbox).label("outbox_waiting"),
                )
            )
            counts = found.one()
        return LedgerHealth(
            avatars=counts[0],
            pieces=counts.pieces,
            tasks_open=counts.tasks_open,
            outbox_waiting=counts.outbox_waiting,
            pool_size=self._database.limits.most,
            pool_in_use=self._database.in_use,
        )


def _stats_query(request: AvatarRef) -> Any:
    mine = (content_pieces.c.avatar_id == request.avatar_id) & (
        content_pieces.c.taken_down_at.is_(None)
    )
    bought = attempts.c.avatar_id == request.avatar_id
    made = (attempts.c.kind == "image") & (attempts.c.outcome == "succeeded")
    return select(
        _of(func.count(), mine).label("delivered"),
        _tally(content_pieces.c.access_tier, mine).label("tiers"),
        _tally(content_pieces.c.safety_rating, mine).label("ratings"),
        _tally(pieces.c.state, pieces.c.avatar_id == request.avatar_id).label("states"),
        _of(_sum(attempts.c.cost_usd_micros), bought).label("cost"),
        _of(_sum(attempts.c.duration_ms), bought & made).label("duration"),
        _of(func.count(), bought & made).label("made"),
        _of(func.min(content_pieces.c.created_at), mine).label("first_at"),
        _of(func.max(content_pieces.c.created_at), mine).label("last_at"),
    ).where(avatars.c.id == request.avatar_id, avatars.c.tenant == request.tenant)


def _of(value: ColumnElement[Any], where: ColumnElement[bool]) -> ScalarSelect[Any]:
    return select(value).where(where).correlate(None).scalar_subquery()


def _sum(column: Column[int]) -> ColumnElement[int]:
    return cast(func.coalesce(func.sum(column), 0), BigInteger)


def _tally(column: Column[str], where: ColumnElement[bool]) -> ScalarSelect[Any]:
    groups = (
        select(column.label("name"), func.count().label("total"))
        .where(where)
        .group_by(column)
        .subquery()
    )
    tally = func.jsonb_object_agg(groups.c.name, groups.c.total)
    empty = func.jsonb_build_object()
    return select(func.coalesce(tally, empty)).correlate(None).scalar_subquery()


def _count(table: Table) -> ScalarSelect[int]:
    return select(func.count()).select_from(table).scalar_subquery()
