"""Run the ledger, or one of its commands: `python -m services.ledger [migrate | issue-key]`."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError

from services.ledger.adapters.database import Database
from services.ledger.adapters.keys import Keys
from services.ledger.adapters.migrator import migrate
from services.ledger.adapters.vendor_errors import AccessRefused
from services.ledger.app import open_app
from services.ledger.settings import DatabaseSettings, LedgerSettings
from shared.api_keys import PlainKey
from shared.calls import ALL_SCOPES, IssueKey, RateLimit, Scope
from shared.outcomes import TryLater
from shared.service import run
from shared.settings import EXIT_MISCONFIGURED, fail_misconfigured, load_settings

_LONGEST_LIFE_DAYS = 3650


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
    key.add_argument(
        "--scopes",
        type=_scopes,
        default=ALL_SCOPES,
        metavar="LIST",
        help="what it opens, of read,write,review,admin (default: all of them)",
    )
    key.add_argument(
        "--limit",
        type=_limit,
        default=RateLimit(),
        metavar="N/S",
        help="at most N requests in S seconds (default: 600/60)",
    )
    key.add_argument("--expires-days", type=_days, metavar="N", help="days until it expires")
    return parser


def _scopes(text: str) -> frozenset[Scope]:
    try:
        return frozenset(Scope(part.strip()) for part in text.split(","))
    except ValueError:
        known = ", ".join(Scope)
        raise argparse.ArgumentTypeError(f"{text!r} is no list of scopes; known: {known}") from None


def _limit(text: str) -> RateLimit:
    requests, _, window_s = text.partition("/")
    try:
        return RateLimit(requests=int(requests), window_s=int(window_s))
    except ValueError:
        hint = "requests and seconds, for example 600/60"
        raise argparse.ArgumentTypeError(f"{text!r} is no limit; {hint}") from None


def _days(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= _LONGEST_LIFE_DAYS:
        most = f"1 to {_LONGEST_LIFE_DAYS}"
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days from {most}")
    return int(text)


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
    key = PlainKey.new()
    try:
        request = IssueKey(
            tenant=arguments.tenant,
            key_id=key.key_id,
            secret_sha256=key.secret_sha256,
            name=arguments.name,
            scopes=arguments.scopes,
            limit=arguments.limit,
            expires_at=expires_at,
        )
    except ValidationError as exc:
        wrong = exc.errors(include_input=False, include_url=False)[0]
        sys.stderr.write(f"--{wrong['loc'][0]}: {wrong['msg']}\n")
        raise SystemExit(EXIT_MISCONFIGURED) from None
    await Keys(database).add(request)
    _say(key.whole)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


main()
