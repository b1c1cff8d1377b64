"""Delivered pieces of an avatar that look like an earlier one of it."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.domain.lookalikes import LIKE_BITS, MOST_COMPARED
from shared.events import ContentStored

# The latest pieces of each avatar are read once, however many new ones there are, and no more of
# them than a bounded number: an avatar may have any number of pieces.
_MARK = text("""
WITH recent AS MATERIALIZED (
    SELECT latest.*
    FROM unnest(CAST(:avatars AS text[])) AS mine (avatar_id)
    CROSS JOIN LATERAL (
        SELECT avatar_id, created_at, id, image_print FROM content_pieces
        WHERE content_pieces.avatar_id = mine.avatar_id
        ORDER BY created_at DESC LIMIT :most
    ) AS latest
    WHERE image_print IS NOT NULL
), like_earlier AS (
    SELECT DISTINCT ON (fresh.id) fresh.id, earlier.id AS earlier_id
    FROM recent AS fresh
    JOIN recent AS earlier
        ON earlier.avatar_id = fresh.avatar_id
        AND (earlier.created_at, earlier.id) < (fresh.created_at, fresh.id)
        AND bit_count(earlier.image_print # fresh.image_print) <= :bits
    WHERE fresh.id = ANY (CAST(:fresh AS text[]))
    ORDER BY fresh.id, earlier.created_at, earlier.id
)
UPDATE content_pieces SET near_duplicate_of = like_earlier.earlier_id
FROM like_earlier WHERE content_pieces.id = like_earlier.id
""")

_NEAR = text("""
SELECT recent.id FROM content_pieces AS mine
CROSS JOIN LATERAL (
    SELECT id, image_print, taken_down_at FROM content_pieces
    WHERE content_pieces.avatar_id = mine.avatar_id
    ORDER BY created_at DESC LIMIT :most
) AS recent
WHERE mine.id = :piece AND recent.id <> mine.id AND recent.taken_down_at IS NULL
    AND bit_count(recent.image_print # mine.image_print) <= :bits
ORDER BY bit_count(recent.image_print # mine.image_print), recent.id LIMIT :shown
""")
_MOST_SHOWN = 20


async def mark_near_duplicates(
    connection: AsyncConnection, events: Sequence[ContentStored]
) -> None:
    """Note of these new rows of content which earlier piece they look like, the oldest of them.

    Two pieces that are recorded at the same moment by two processes do not see each other. Of an
    earlier image that stands in it is known which one it is.
    """
    fresh = [
        event
        for event in events
        if event.verdict.image_print is not None and event.generation.source != "cached"
    ]
    if not fresh:
        return
    parameters = {
        "avatars": sorted({event.brief.avatar_id for event in fresh}),
        "fresh": [event.piece_id for event in fresh],
        "most": MOST_COMPARED + len(fresh),
        "bits": LIKE_BITS,
    }
    await connection.execute(_MARK, parameters)


async def near_delivered(connection: AsyncConnection, piece_id: str) -> list[str]:
    """Some of the latest pieces of the same avatar that look like this one, the nearest first.

    Without those that were taken down.
    """
    parameters = {
        "piece": piece_id,
        "most": MOST_COMPARED,
        "bits": LIKE_BITS,
        "shown": _MOST_SHOWN,
    }
    return list((await connection.execute(_NEAR, parameters)).scalars())
