"""A front door over services in memory, and one that asks a real ledger."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from pydantic import SecretStr

from deploy.local.nats import EmbeddedNats
from services.ledger.adapters.database import Database
from services.ledger.app import assemble
from services.ledger.settings import LedgerSettings
from shared.service import open_service
from shared.subscriptions import confirmed
from tests.errors.producers.registry import RealLedger
from tests.gateway.conftest import World, app, client, world
from tests.ledger.books import Books
from tests.ledger.conftest import books, database, dsn, engine, tables, template
from tests.verdict_keys import KEYS, SIGNER

__all__ = [
    "app",
    "books",
    "client",
    "database",
    "dsn",
    "engine",
    "tables",
    "template",
    "world",
]


@pytest.fixture
async def ledger(
    world: World, books: Books, database: Database, dsn: str, nats_server: EmbeddedNats
) -> AsyncIterator[RealLedger]:
    """A ledger that answers calls; it takes no facts, so it needs no streams."""
    settings = LedgerSettings(
        nats_url=SecretStr(nats_server.url),
        nats_namespace=f"t{uuid4().hex[:10]}",
        database_url=SecretStr(dsn),
        verdict_public_keys=(SIGNER.public_key,),
    )
    async with open_service("ledger", settings) as service:
        assemble(service, database, settings, KEYS)
        await service.broker.start()
        await confirmed(service.nc)
        yield RealLedger(world, books, service)
