"""Deliveries and takedowns of a tenant, one after the other.

A delivery looks for images that were taken down, a takedown for delivered ones of the same bytes.
At the same moment each would miss the other. These locks come before those of rows.
"""

from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_SPACE = 1_402_177_013
"""The first half of the keys; the second is of the tenant."""

_KEEP_OUT_TAKEDOWNS = text("""
SELECT pg_advisory_xact_lock_shared(:space, tenant.key)
FROM (
    SELECT DISTINCT hashtext(name) AS key
    FROM unnest(CAST(:tenants AS text[])) AS each (name) ORDER BY key
) AS tenant
""")
_KEEP_OUT_DELIVERIES = text("SELECT pg_advisory_xact_lock(:space, hashtext(:tenant))")


async def keep_out_takedowns(connection: AsyncConnection, tenants: Iterable[str]) -> None:
    """Let takedowns of these tenants wait until this delivery is committed; others need not."""
    parameters = {"space": _SPACE, "tenants": sorted(set(tenants))}
    await connection.execute(_KEEP_OUT_TAKEDOWNS, parameters)


async def keep_out_deliveries(connection: AsyncConnection, tenant: str) -> None:
    """Let deliveries of a tenant wait until this takedown is committed; they see it then."""
    await connection.execute(_KEEP_OUT_DELIVERIES, {"space": _SPACE, "tenant": tenant})
