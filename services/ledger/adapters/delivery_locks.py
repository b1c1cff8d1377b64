"""What deliveries hold while they are recorded: tenants, avatars and pieces, in this order.

In one statement, each part of which begins when the one before holds all of its own. Rows are seen
as they stand once they are held; what is only looked up needs a statement after this one.
"""

from collections.abc import Sequence

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.adapters.piece_locks import LockedPieces
from services.ledger.adapters.schema.base import Json
from services.ledger.adapters.tenant_locks import SPACE
from shared.events import ContentStored

# Content points to the avatar: holding it after the piece could deadlock a deletion.
_HOLD = text("""
WITH kept_out AS MATERIALIZED (
    SELECT pg_advisory_xact_lock_shared(:space, tenant.key) FROM (
        SELECT DISTINCT hashtext(name) AS key
        FROM unnest(CAST(:tenants AS text[])) AS each (name) ORDER BY key
    ) AS tenant
), of_pieces AS MATERIALIZED (
    SELECT id, frozen_at FROM avatars
    WHERE id = ANY (CAST(:avatars AS text[])) AND (SELECT count(*) FROM kept_out) > 0
    ORDER BY id FOR KEY SHARE
)
SELECT id, tenant, task_id, avatar_id, state, current_run, brief, held, content_id, deadline_at,
    ended_at, ARRAY (SELECT id FROM of_pieces WHERE frozen_at IS NOT NULL) AS frozen
FROM pieces
WHERE id = ANY (CAST(:these AS text[])) AND (SELECT count(*) FROM of_pieces) >= 0
ORDER BY id FOR UPDATE
""").columns(brief=Json, held=Json)


async def hold(
    connection: AsyncConnection, events: Sequence[ContentStored]
) -> tuple[LockedPieces, frozenset[str]]:
    """The pieces of deliveries, held, and the ids of avatars that are frozen; some may be gone.

    Takedowns of their tenants wait until this delivery is committed, as do deletions and freezes of
    their avatars.
    """
    tenants = {event.piece_id: event.tenant for event in events}
    parameters = {
        "space": SPACE,
        "tenants": sorted({event.tenant for event in events}),
        "avatars": sorted({event.brief.avatar_id for event in events}),
        "these": sorted(tenants),
    }
    rows: Sequence[RowMapping] = (await connection.execute(_HOLD, parameters)).mappings().all()
    locked = {row["id"]: row for row in rows if row["tenant"] == tenants[row["id"]]}
    return locked, frozenset(rows[0]["frozen"] if rows else ())
