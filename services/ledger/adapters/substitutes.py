"""Earlier images that stand in: chosen once for each piece, and spread over what there is."""

from typing import Any

from sqlalchemy import ColumnElement, Row, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.adapters.database import Database
from services.ledger.adapters.schema import attempts, avatars, pieces
from services.ledger.domain.substituting import (
    MOST_COMPARED,
    Wanting,
    may_be_substituted,
    may_go_on,
)
from shared.calls import FindSubstitute, FoundSubstitute
from shared.content import Brief

# What was drawn comes last, then what has another shape (width to height), then what the task has
# already; of the others whatever stands in least often. What its owner kept to himself stands in
# for nothing that is uploaded.
_FITTING = text("""
WITH fitting AS (
    SELECT id, task_id, object_key, meta_data->'generation' AS generation,
        abs(ln((meta_data->>'width')::float / (meta_data->>'height')::float)
            - ln(CAST(:width AS float) / CAST(:height AS float))) AS reshaped
    FROM content_pieces
    WHERE tenant = :tenant AND avatar_id = :avatar AND access_tier = :tier
        AND verdict_decision = 'approved' AND taken_down_at IS NULL
        AND (uploaded OR NOT :uploaded)
        AND meta_data->'generation'->>'degraded' = 'false'
        AND coalesce(meta_data->'generation'->>'source', 'generated') = 'generated'
        AND id = coalesce(CAST(:chosen AS text), id)
    ORDER BY created_at DESC, id DESC LIMIT :most
)
SELECT fitting.id, fitting.object_key, fitting.generation
FROM fitting
CROSS JOIN LATERAL (
    SELECT count(*) AS everywhere, count(*) FILTER (WHERE task_id = :task) AS in_task
    FROM pieces
    WHERE avatar_id = :avatar AND substitute_id = fitting.id AND pieces.id <> :piece
) AS used
ORDER BY fitting.generation->>'preview' = 'true', round(fitting.reshaped::numeric, 1),
    used.in_task + CAST(fitting.task_id = :task AS int), used.everywhere,
    md5(fitting.id || :piece), fitting.id
LIMIT 1
""")


class Substitutes:
    """The book of images that stand in. Locks go avatar, piece, as everywhere."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, request: FindSubstitute) -> FoundSubstitute:
        """What may be shown for a piece under way without another call, or nothing.

        First its own image, where one was bought; else a delivered piece's of the same avatar and
        tier, of the nearest shape. That is chosen once: whoever asks again gets the same for as
        long as it may be shown.
        """
        async with self._database.write() as transaction:
            connection = transaction.connection
            frozen = await _is_frozen(connection, request)
            piece = await _locked(connection, request)
            if piece is None or not may_go_on(piece.state, piece.current_run, run=request.run):
                return FoundSubstitute()
            if (own := await _bought(connection, piece.id)) is not None:
                return own
            if request.own_only or not _may_be(piece, run=request.run, frozen=frozen):
                return FoundSubstitute()
            found = await _chosen(connection, piece)
            if found is None:
                return FoundSubstitute()
            if found.id != piece.substitute_id:
                await _choose(connection, piece.id, found.id)
        return FoundSubstitute.model_validate(
            {
                "piece_id": found.id,
                "object_key": found.object_key,
                "generation": found.generation,
            }
        )


async def _bought(connection: AsyncConnection, piece_id: str) -> FoundSubstitute | None:
    """The image of an earlier call for this very piece, which nobody has come to use."""
    found = await connection.execute(
        select(attempts.c.image, attempts.c.generation)
        .where(
            attempts.c.piece_id == piece_id,
            attempts.c.outcome == "succeeded",
            attempts.c.image.is_not(None),
            attempts.c.generation.is_not(None),
            attempts.c.bytes_lost_at.is_(None),
        )
        .order_by(attempts.c.number.desc())
        .limit(1)
    )
    row = found.one_or_none()
    if row is None:
        return None
    return FoundSubstitute.model_validate({"image": row.image, "generation": row.generation})


async def _is_frozen(connection: AsyncConnection, request: FindSubstitute) -> bool:
    """Whether the piece's avatar is frozen. It is held: one of its pieces chooses at a time."""
    whose = select(pieces.c.avatar_id).where(_is_it(request)).scalar_subquery()
    avatar = await connection.execute(
        select(avatars.c.frozen_at).where(avatars.c.id == whose).with_for_update(key_share=True)
    )
    return avatar.scalar_one_or_none() is not None


async def _locked(connection: AsyncConnection, request: FindSubstitute) -> Row[Any] | None:
    found = await connection.execute(select(pieces).where(_is_it(request)).with_for_update())
    return found.one_or_none()


def _is_it(request: FindSubstitute) -> ColumnElement[bool]:
    return (pieces.c.id == request.piece_id) & (pieces.c.tenant == request.tenant)


def _may_be(piece: Row[Any], *, run: int, frozen: bool) -> bool:
    allows = Brief.model_validate(piece.brief).allow_degraded
    wanting = Wanting(piece.state, piece.current_run, allows_degraded=allows, frozen=frozen)
    return may_be_substituted(wanting, run=run)


async def _chosen(connection: AsyncConnection, piece: Row[Any]) -> Row[Any] | None:
    """What was chosen before, if it may still be shown; else the best that there is now."""
    if piece.substitute_id is not None:
        found = await _best(connection, piece, chosen=piece.substitute_id)
        if found is not None:
            return found
    return await _best(connection, piece)


async def _best(
    connection: AsyncConnection, piece: Row[Any], *, chosen: str | None = None
) -> Row[Any] | None:
    brief = Brief.model_validate(piece.brief)
    parameters = {
        "tenant": piece.tenant,
        "avatar": piece.avatar_id,
        "task": piece.task_id,
        "piece": piece.id,
        "tier": brief.tier.value,
        "uploaded": brief.upload_to_storage,
        "width": brief.width,
        "height": brief.height,
        "most": MOST_COMPARED,
        "chosen": chosen,
    }
    return (await connection.execute(_FITTING, parameters)).one_or_none()


async def _choose(connection: AsyncConnection, piece_id: str, substitute_id: str) -> None:
    await connection.execute(
        update(pieces).where(pieces.c.id == piece_id).values(substitute_id=substitute_id)
    )
