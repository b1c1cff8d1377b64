"""API keys: the books keep only the hash of a secret."""

import hashlib
import secrets
from datetime import datetime

from sqlalchemy import func, insert, or_, select

from services.ledger.adapters.database import Database
from services.ledger.adapters.schema import api_keys
from shared.calls import ApiKey, FindKey
from shared.problems import not_found

_SECRET_BYTES = 32


class Keys:
    """The key book."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def issue(self, *, tenant: str, name: str, expires_at: datetime | None = None) -> str:
        """Make a key and give it whole, this once: `atl_<key id>_<secret>`."""
        key_id = secrets.token_hex(8)
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        async with self._database.write() as transaction:
            await transaction.connection.execute(
                insert(api_keys).values(
                    key_id=key_id,
                    tenant=tenant,
                    name=name,
                    secret_sha256=hashlib.sha256(secret.encode()).hexdigest(),
                    expires_at=expires_at,
                )
            )
        return f"atl_{key_id}_{secret}"

    async def find(self, request: FindKey) -> ApiKey:
        """A key that opens something now. Raises Problem 404 for all others."""
        valid = or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > func.now())
        async with self._database.read() as connection:
            found = await connection.execute(
                select(api_keys).where(
                    api_keys.c.key_id == request.key_id, api_keys.c.revoked_at.is_(None), valid
                )
            )
            row = found.one_or_none()
        if row is None:
            raise not_found("key", request.key_id)
        return ApiKey(
            key_id=row.key_id, tenant=row.tenant, name=row.name, secret_sha256=row.secret_sha256
        )
