"""Images that were taken down, and what looks like them."""

from collections.abc import Sequence

from sqlalchemy import text

from services.ledger.adapters.database import Database
from services.ledger.domain.lookalikes import LIKE_BITS
from shared.calls import ImageMatch, MatchImage

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


class Images:
    """The book of images that nobody may see again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def match(self, requests: Sequence[MatchImage]) -> list[ImageMatch]:
        """Say for each, in order, whether its like was taken down in its tenant: the nearest."""
        parameters = {
            "tenants": [request.tenant for request in requests],
            "hashes": [request.sha256 for request in requests],
            "prints": [request.image_print for request in requests],
            "bits": LIKE_BITS,
        }
        async with self._database.read() as connection:
            found = await connection.execute(_MATCH, parameters)
            by_place = {row.place: row.piece_id for row in found}
        return [ImageMatch(piece_id=by_place.get(place + 1)) for place in range(len(requests))]
