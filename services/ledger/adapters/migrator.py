"""Bring the database to the newest shape, and tell whether it is there."""

import logging
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.ledger.adapters.vendor_errors import translated

# It announces every look at the revision.
logging.getLogger("alembic.runtime.migration").setLevel(logging.WARNING)

_STEPS = Path(__file__).parent.parent / "migrations"
_ONE_AT_A_TIME = 4_021_770_131
"""Key of the advisory lock that migrations hold; any number that nobody else uses."""


async def migrate(engine: AsyncEngine) -> str:
    """Run the missing steps in one transaction and give the revision. Raises TryLater."""
    with translated():
        async with engine.begin() as connection:
            await connection.execute(
                text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME}
            )
            await connection.run_sync(_upgrade)
            return await connection.run_sync(_revision) or ""


async def is_current(engine: AsyncEngine) -> bool:
    """Whether the database has every step that this code knows of. Raises TryLater.

    A database ahead of us is fine: a newer release has migrated while we still run.
    """
    with translated():
        async with engine.connect() as connection:
            revision = await connection.run_sync(_revision)
    known = {script.revision for script in _scripts().walk_revisions()}
    return revision is not None and (revision not in known or revision in _scripts().get_heads())


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _config() -> Config:
    config = Config()
    # The parser behind it expands %; a path may hold one.
    config.set_main_option("script_location", str(_STEPS).replace("%", "%%"))
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())
