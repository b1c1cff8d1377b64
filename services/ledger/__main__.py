"""Run the ledger, or one of its commands: `python -m services.ledger [migrate | issue-key]`."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from services.ledger.adapters.database import Database
from services.ledger.adapters.keys import Keys
from services.ledger.adapters.migrator import migrate
from services.ledger.adapters.vendor_errors import AccessRefused
from services.ledger.app import open_app
from services.ledger.settings import DatabaseSettings, LedgerSettings
from shared.outcomes import TryLater
from shared.service import run
from shared.settings import fail_misconfigured, load_settings


def main() -> None:
    """Read the command line and do as it says."""
    arguments = _parser().parse_args()
    match arguments.command:
        case "migrate":
            asyncio.run(_with_database(_migrate))
        case "issue-key":
            asyncio.run(_with_database(lambda database: _issue_key(database, arguments)))
        case _:
            run("ledger", LedgerSettings, open_app)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.ledger", description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("migrate", help="bring the database to the newest shape")
    key = commands.add_parser("issue-key", help="make an API key and print it, this once")
    key.add_argument("--tenant", default="default", help="whose key it is (default: %(default)s)")
    key.add_argument("--name", required=True, help="what the key is for")
    key.add_argument("--expires-days", type=int, metavar="N", help="days until it expires")
    return parser


async def _with_database(act: Callable[[Database], Awaitable[None]]) -> None:
    settings = load_settings(DatabaseSettings)
    database = Database.at(settings.url, settings.pool)
    try:
        await act(database)
    except AccessRefused as exc:
        raise fail_misconfigured("DATABASE_URL", str(exc)) from exc
    except TryLater as exc:
        raise SystemExit(f"DATABASE_URL: {exc.detail}") from exc
    finally:
        await database.close()


async def _migrate(database: Database) -> None:
    _say(f"the database is at revision {await migrate(database.engine)}")


async def _issue_key(database: Database, arguments: argparse.Namespace) -> None:
    days: int | None = arguments.expires_days
    expires_at = datetime.now(UTC) + timedelta(days=days) if days is not None else None
    key = await Keys(database).issue(
        tenant=arguments.tenant, name=arguments.name, expires_at=expires_at
    )
    _say(key)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


main()
