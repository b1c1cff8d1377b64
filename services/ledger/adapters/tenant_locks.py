"""Deliveries and takedowns of a tenant, one after the other.

A delivery looks for images that were taken down, a takedown for delivered ones of the same bytes.
At the same moment each would miss the other. These locks come before those of rows: deliveries
have a share in their tenant's (`delivery_locks`), a takedown has it alone.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

SPACE = 1_402_177_013
"""The first half of the keys; the second is of the tenant."""

_KEEP_OUT_DELIVERIES = text("SELECT pg_advisory_xact_lock(:space, hashtext(:tenant))")


async def keep_out_deliveries(connection: AsyncConnection, tenant: str) -> None:
    """Let deliveries of a tenant wait until this takedown is committed; they see it then."""
    await connection.execute(_KEEP_OUT_DELIVERIES, {"space": SPACE, "tenant": tenant})
