"""The ledger as a process: its commands, and how it refuses to start."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from deploy.local.postgres import EmbeddedPostgres
from services.ledger.migrations import versions
from shared.calls import FindKey, RateLimit, Scope
from tests.cli.in_process import Said, run_here
from tests.ledger.books import Books
from tests.ledger.conftest import run_sql
from tests.verdict_keys import SIGNER

LIMIT_S = 60
NEWEST = max(path.name[:4] for path in Path(versions.__path__[0]).glob("0*.py"))


async def ledger(*arguments: str, **environment: str) -> Said:
    """Run a command of the ledger."""
    return await asyncio.to_thread(run_here, "services.ledger", *arguments, **environment)


async def as_process(**environment: str) -> Said:
    """Run the ledger itself, which is to refuse its start."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "services.ledger"),
        env={"PATH": os.environ["PATH"], **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), LIMIT_S)
    assert process.returncode is not None
    return Said(process.returncode, out.decode(), err.decode())


async def test_issue_key_prints_a_key_that_opens(books: Books, dsn: str) -> None:
    wishes = ("--tenant", "acme", "--name", "ci")
    said = await ledger("issue-key", *wishes, DATABASE_URL=dsn)
    assert said.code == 0, said.err
    assert len(said.out.splitlines()) == 1
    prefix, key_id, secret = said.out.strip().split("_", 2)
    assert (prefix, bool(secret)) == ("atl", True)
    assert (await books.keys.find(FindKey(key_id=key_id))).tenant == "acme"


async def test_issue_key_takes_scopes_limit_and_a_life(books: Books, dsn: str) -> None:
    wishes = ("--scopes", "read,write", "--limit", "5/2", "--expires-days", "3")
    said = await ledger("issue-key", "--name", "ci", *wishes, DATABASE_URL=dsn)
    assert said.code == 0, said.err
    found = await books.keys.find(FindKey(key_id=said.out.split("_")[1]))
    assert found.scopes == {Scope.READ, Scope.WRITE}
    assert found.limit == RateLimit(requests=5, window_s=2)
    assert found.expires_at is not None


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (("--scopes", "read,everything"), "--scopes"),
        (("--limit", "many"), "--limit"),
        (("--limit", "0/60"), "--limit"),
        (("--expires-days", "-1"), "--expires-days"),
        (("--tenant", "a.b"), "--tenant"),
    ],
)
async def test_issue_key_names_what_it_cannot_use(wrong: tuple[str, str], named: str) -> None:
    said = await ledger(
        "issue-key", "--name", "ci", *wrong, DATABASE_URL="postgresql://u@127.0.0.1:1/d"
    )
    assert (said.code, said.out) == (2, "")
    assert named in said.err


async def test_a_wrong_address_is_named_and_not_shown() -> None:
    said = await ledger("migrate", DATABASE_URL="mysql://u:hunter2@h/d")
    assert said.code == 2
    assert len(said.err.splitlines()) == 1
    assert "DATABASE_URL" in said.err
    assert "hunter2" not in said.err


async def test_a_database_without_tables_is_migrated_by_command_only(
    postgres_server: EmbeddedPostgres,
) -> None:
    await run_sql(postgres_server, "CREATE DATABASE empty")
    dsn = postgres_server.dsn("empty")
    keys = {"VERDICT_PUBLIC_KEYS": SIGNER.public_key}
    said = await as_process(DATABASE_URL=dsn, NATS_URL="nats://127.0.0.1:1", **keys)
    assert said.code == 2
    assert "services.ledger migrate" in said.err
    said = await ledger("migrate", DATABASE_URL=dsn)
    assert (said.code, said.out) == (0, f"the database is at revision {NEWEST}\n"), said.err
