"""Settings of the ledger: what is wrong is named, what is secret is not shown."""

from typing import Any

import pytest
from pydantic import ValidationError

from services.ledger.adapters.database_url import driver_url
from services.ledger.settings import LedgerSettings
from tests.verdict_keys import SIGNER


@pytest.mark.parametrize(
    ("text", "host", "database"),
    [
        ("postgresql://atelier@/atelier?host=/tmp/dir", None, "atelier"),
        ("postgresql://u:p@db.example:5433/books", "db.example", "books"),
        ("postgres://u:p@db.example/books?sslmode=require", "db.example", "books"),
        ("postgresql+asyncpg://u@db.example/books", "db.example", "books"),
    ],
)
def test_the_usual_urls_are_understood(text: str, host: str | None, database: str) -> None:
    url = driver_url(text)
    assert (url.drivername, url.host, url.database) == ("postgresql+asyncpg", host, database)


def test_options_are_told_to_the_driver_in_its_words() -> None:
    assert driver_url("postgresql://u@/d?host=/tmp/dir").query == {"host": "/tmp/dir"}
    assert driver_url("postgresql://u@h/d?sslmode=require").query == {"ssl": "require"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "mysql://u:hunter2@h/d",
        "postgresql://u:hunter2@h",
        "postgresql://u:hunter2@h:port/d",
        "postgresql://u:hunter2@h/d?channel_binding=require",
    ],
)
def test_other_urls_are_refused_without_showing_them(text: str) -> None:
    with pytest.raises(ValueError, match=r"must|does not know") as refused:
        driver_url(text)
    assert "hunter2" not in str(refused.value)


def test_a_wrong_address_is_named_by_its_key() -> None:
    with pytest.raises(ValidationError) as refused:
        settings(DATABASE_URL="mysql://h/d")
    assert [error["loc"] for error in refused.value.errors()] == [("database_url",)]


def test_the_pool_has_its_documented_defaults() -> None:
    pool = settings(DATABASE_URL="postgresql://u@h/d").pool
    assert (pool.size, pool.overflow, pool.recycle_s, pool.most) == (5, 10, 3600, 15)


def test_the_pool_can_be_set() -> None:
    pool = settings(
        DATABASE_URL="postgresql://u@h/d",
        DB_POOL_SIZE=2,
        DB_MAX_OVERFLOW=0,
        DB_POOL_RECYCLE_SECONDS=60,
    ).pool
    assert (pool.size, pool.overflow, pool.recycle_s) == (2, 0, 60)


@pytest.mark.parametrize("keys", ["", "zz", SIGNER.public_key[:-2], f"{SIGNER.public_key},ab"])
def test_without_keys_that_can_vouch_for_verdicts_there_is_no_ledger(keys: str) -> None:
    with pytest.raises(ValidationError) as refused:
        settings(DATABASE_URL="postgresql://u@h/d", VERDICT_PUBLIC_KEYS=keys)
    assert [error["loc"] for error in refused.value.errors()] == [("verdict_public_keys",)]


def test_every_setting_is_described_with_an_example() -> None:
    for name, field in LedgerSettings.model_fields.items():
        assert field.description, name
        assert field.examples, name


def settings(**values: Any) -> LedgerSettings:
    given: dict[str, Any] = {"verdict_public_keys": SIGNER.public_key}
    given |= {name.lower(): value for name, value in values.items()}
    return LedgerSettings(nats_url="nats://127.0.0.1:4222", **given)
