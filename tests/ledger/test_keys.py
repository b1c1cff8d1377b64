"""API keys: recorded by hash, found while they are good, listed, revoked."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from shared.api_keys import PlainKey
from shared.calls import (
    ALL_SCOPES,
    FindKey,
    IssueKey,
    KeyRef,
    ListKeys,
    RateLimit,
    Scope,
)
from shared.problems import Problem
from tests.ledger.books import Books


def issue(key: PlainKey, **overrides: object) -> IssueKey:
    given: dict[str, object] = {
        "tenant": "acme",
        "key_id": key.key_id,
        "secret_sha256": key.secret_sha256,
        "name": "ci",
        "scopes": ALL_SCOPES,
    }
    return IssueKey.model_validate(given | overrides)


async def issued(books: Books, **overrides: object) -> PlainKey:
    key = PlainKey.new()
    await books.keys.add(issue(key, **overrides))
    return key


async def code_of(asking: object) -> str:
    with pytest.raises(Problem) as refused:
        await asking  # type: ignore[misc]
    return refused.value.details.code


async def test_a_key_is_found_by_its_public_part_with_what_it_opens(books: Books) -> None:
    later = datetime.now(UTC) + timedelta(days=1)
    limit = RateLimit(requests=5, window_s=2)
    key = await issued(books, scopes={Scope.READ}, limit=limit, expires_at=later)
    found = await books.keys.find(FindKey(key_id=key.key_id))
    assert (found.tenant, found.name) == ("acme", "ci")
    assert found.scopes == {Scope.READ}
    assert (found.limit, found.expires_at) == (limit, later)
    assert found.secret_sha256 == key.secret_sha256


async def test_the_secret_is_nowhere_in_the_database(books: Books) -> None:
    key = await issued(books)
    (row,) = await books.sql("SELECT to_jsonb(api_keys)::text AS everything FROM api_keys")
    assert key.key_id in row.everything
    assert key.secret not in row.everything


async def test_revoked_expired_and_unknown_keys_are_not_found(books: Books) -> None:
    expired = await issued(books, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    revoked = await issued(books, scopes={Scope.READ})
    await books.keys.revoke(KeyRef(tenant="acme", key_id=revoked.key_id))
    for key_id in (expired.key_id, revoked.key_id, "nobody"):
        assert await code_of(books.keys.find(FindKey(key_id=key_id))) == "key_not_found"


async def test_issuing_again_shows_the_record_and_another_secret_is_refused(books: Books) -> None:
    key = PlainKey.new()
    first = await books.keys.add(issue(key))
    assert await books.keys.add(issue(key, name="renamed")) == first
    imposter = PlainKey(key.key_id, "x" * 43)
    assert await code_of(books.keys.add(issue(imposter))) == "key_id_taken"
    assert await code_of(books.keys.add(issue(key, tenant="other"))) == "key_id_taken"


async def test_keys_are_listed_newest_first_page_by_page_for_their_tenant_alone(
    books: Books,
) -> None:
    keys = [await issued(books, name=f"key {n}") for n in range(5)]
    await issued(books, tenant="other")
    names: list[str] = []
    cursor: str | None = None
    while True:
        page = await books.keys.list(ListKeys(tenant="acme", cursor=cursor, limit=2))
        names += [record.name for record in page.keys]
        assert all(key.secret_sha256 not in page.model_dump_json() for key in keys)
        if (cursor := page.next_cursor) is None:
            break
    assert names == [f"key {n}" for n in reversed(range(5))]


async def test_a_record_tells_who_issued_the_key(books: Books) -> None:
    chief = await issued(books)
    record = await books.keys.add(issue(PlainKey.new(), issued_by=chief.key_id))
    assert record.issued_by == chief.key_id


@pytest.mark.parametrize("scopes", [[], ["read", "everything"]])
async def test_the_database_refuses_keys_that_open_nothing_or_the_unknown(
    books: Books, scopes: list[str]
) -> None:
    await issued(books)
    with pytest.raises(IntegrityError, match="ck_api_keys_scopes"):
        await books.sql("UPDATE api_keys SET scopes = CAST(:scopes AS text[])", scopes=scopes)


async def test_revoking_twice_is_revoking_once(books: Books) -> None:
    key = await issued(books, scopes={Scope.READ})
    ref = KeyRef(tenant="acme", key_id=key.key_id)
    first = await books.keys.revoke(ref)
    assert first.revoked_at is not None
    assert await books.keys.revoke(ref) == first


async def test_nobody_revokes_the_keys_of_another_tenant(books: Books) -> None:
    key = await issued(books)
    assert await code_of(books.keys.revoke(KeyRef(tenant="other", key_id=key.key_id))) == (
        "key_not_found"
    )
    assert (await books.keys.find(FindKey(key_id=key.key_id))).tenant == "acme"


async def test_the_last_administrator_cannot_be_revoked_not_even_by_two_at_once(
    books: Books,
) -> None:
    pair = [await issued(books), await issued(books)]
    await issued(books, scopes={Scope.READ, Scope.WRITE})
    await issued(books, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    refs = [KeyRef(tenant="acme", key_id=key.key_id) for key in pair]
    answers = await asyncio.gather(*map(books.keys.revoke, refs), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, Problem)]
    assert [problem.details.code for problem in refused] == ["last_admin_key"]
