"""Images that were taken down, and what looks like them."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.adapters.database import Database
from services.ledger.domain.lookalikes import LIKE_BITS
from shared.calls import ImageMatch, MatchImage
from shared.events import ContentStored

# An index finds equal bytes; another holds a tenant's prints, which are compared one by one: what
# was taken down are few, and no index knows what is near in bits.
_MATCH = text("""
WITH asked AS MATERIALIZED (
    SELECT tenant, sha256, CAST('x' || hex AS bit(64)) AS image_print, place
    FROM unnest(
        CAST(:tenants AS text[]), CAST(:hashes AS text[]), CAST(:prints AS text[])
    ) WITH ORDINALITY AS each (tenant, sha256, hex, place)
)
SELECT asked.place, found.piece_id FROM asked
CROSS JOIN LATERAL (
    (
        SELECT piece_id, 0 AS distance FROM blocked_images
        WHERE tenant = asked.tenant AND sha256 = asked.sha256
    ) UNION ALL (
        SELECT piece_id, bit_count(image_print # asked.image_print) FROM blocked_images
        WHERE tenant = asked.tenant AND image_print IS NOT NULL
            AND bit_count(image_print # asked.image_print) <= :bits
    )
    ORDER BY distance LIMIT 1
) AS found
""")


_TENANTS = text("""
SELECT DISTINCT tenant FROM blocked_images WHERE tenant = ANY (CAST(:tenants AS text[]))
""")


class Images:
    """The book of images that nobody may see again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def match(self, requests: Sequence[MatchImage]) -> list[ImageMatch]:
        """Say for each, in order, whether its like was taken down in its tenant: the nearest."""
        async with self._database.read() as connection:
            found = await connection.execute(_TENANTS, {"tenants": _tenants(requests)})
            concerned = set(found.scalars())
            like = await _like(connection, requests) if concerned else {}
        return [
            ImageMatch(piece_id=like.get(place), nothing_taken_down=request.tenant not in concerned)
            for place, request in enumerate(requests)
        ]


async def like_taken_down(
    connection: AsyncConnection, events: Sequence[ContentStored]
) -> frozenset[str]:
    """Ids of those whose like was taken down, perhaps while they were under way."""
    asks = [
        MatchImage(
            tenant=event.tenant,
            sha256=event.delivery.source_sha256,
            image_print=event.verdict.image_print,
        )
        for event in events
    ]
    found = await connection.execute(_TENANTS, {"tenants": _tenants(asks)})
    if found.first() is None:
        return frozenset()
    return frozenset(events[place].piece_id for place in await _like(connection, asks))


async def _like(connection: AsyncConnection, asks: Sequence[MatchImage]) -> dict[int, str]:
    parameters = {
        "tenants": [ask.tenant for ask in asks],
        "hashes": [ask.sha256 for ask in asks],
        "prints": [ask.image_print for ask in asks],
        "bits": LIKE_BITS,
    }
    found = await connection.execute(_MATCH, parameters)
    return {row.place - 1: row.piece_id for row in found}


def _tenants(asks: Sequence[MatchImage]) -> list[str]:
    return sorted({ask.tenant for ask in asks})
