"""API keys: shown once, kept as a hash, found while they are good."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from shared.calls import FindKey
from shared.problems import Problem
from tests.ledger.books import Books


async def test_an_issued_key_is_found_by_its_public_part(books: Books) -> None:
    key = await books.keys.issue(tenant="acme", name="ci")
    prefix, key_id, secret = key.split("_", 2)
    found = await books.keys.find(FindKey(key_id=key_id))
    assert (prefix, found.tenant, found.name) == ("atl", "acme", "ci")
    assert found.secret_sha256 == hashlib.sha256(secret.encode()).hexdigest()
    assert len(secret) >= 43


async def test_the_secret_is_nowhere_in_the_database(books: Books) -> None:
    secret = (await books.keys.issue(tenant="acme", name="ci")).split("_", 2)[2]
    (row,) = await books.sql("SELECT to_jsonb(api_keys)::text AS everything FROM api_keys")
    assert secret not in row.everything


async def test_revoked_expired_and_unknown_keys_are_not_found(books: Books) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    expired = await books.keys.issue(tenant="acme", name="old", expires_at=past)
    revoked = await books.keys.issue(tenant="acme", name="lost")
    await books.sql("UPDATE api_keys SET revoked_at = now() WHERE name = 'lost'")
    for key_id in (expired.split("_")[1], revoked.split("_")[1], "nobody"):
        with pytest.raises(Problem) as refused:
            await books.keys.find(FindKey(key_id=key_id))
        assert (refused.value.details.status, refused.value.details.code) == (404, "key_not_found")


async def test_a_key_is_good_until_it_expires(books: Books) -> None:
    later = datetime.now(UTC) + timedelta(days=1)
    key = await books.keys.issue(tenant="acme", name="ci", expires_at=later)
    assert (await books.keys.find(FindKey(key_id=key.split("_")[1]))).tenant == "acme"
