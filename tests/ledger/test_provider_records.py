"""What all replicas' calls of the last hour came to, by provider."""

import json

import pytest

from services.ledger.adapters.provider_records import RECORDS
from services.ledger.domain.blame import NOT_THE_PROVIDERS
from shared.calls import Nothing, ProviderRecord
from tests.ledger.books import Books
from tests.ledger.test_attempts import settled
from tests.ledger.test_capacity import OLD

FAILED: dict[str, object] = {"outcome": "failed", "image": None, "generation": None}
UNKNOWN = FAILED | {"outcome": "unknown", "error_code": "TIMEOUT"}


async def call(books: Books, provider: str, **end: object) -> str:
    """A call of a new piece that has ended like this."""
    (piece,) = await books.accepted()
    answer = await books.open_attempt(piece, provider=provider)
    assert answer.attempt_id is not None
    await books.calls.settle(settled(piece, answer.attempt_id, provider=provider, **end))
    return answer.attempt_id


async def records(books: Books) -> dict[str, ProviderRecord]:
    found = await books.provider_records.last_hour(Nothing())
    return {record.provider: record for record in found.records}


async def test_successes_failures_times_and_costs_are_added_up(books: Books) -> None:
    for duration_ms in (1000, 2000, 9000):
        await call(books, "modal", duration_ms=duration_ms)
    await call(books, "modal", **FAILED, error_code="BAD_RESPONSE", duration_ms=1)
    await call(books, "other")
    assert (await records(books))["modal"] == ProviderRecord(
        provider="modal",
        calls=4,
        success_rate=0.75,
        median_ms=2000,
        p95_ms=8300,
        cost_usd_micros=40_000,
        unknown=0,
    )


@pytest.mark.parametrize("code", sorted(NOT_THE_PROVIDERS))
async def test_what_it_was_right_to_refuse_says_nothing_about_it(books: Books, code: str) -> None:
    await call(books, "modal")
    await call(books, "modal", **FAILED, error_code=code, cost_usd_micros=5)
    record = (await records(books))["modal"]
    assert (record.calls, record.success_rate, record.cost_usd_micros) == (1, 1.0, 10_005)


async def test_without_a_call_that_counts_nothing_speaks_against_it(books: Books) -> None:
    await call(books, "modal", **FAILED, error_code="RATE_LIMITED", cost_usd_micros=0)
    record = (await records(books))["modal"]
    assert (record.calls, record.success_rate, record.median_ms) == (0, 1.0, None)


async def test_calls_of_unknown_end_are_counted_told_or_not(books: Books) -> None:
    await call(books, "modal", **UNKNOWN, cost_usd_micros=0)
    (piece,) = await books.accepted()
    await books.open_attempt(piece, provider="modal", holder="host/1/dead")
    await books.sql("UPDATE attempts SET lease_until = now() WHERE outcome = 'open'")
    await books.open_attempt(piece, provider="modal", holder="host/2/x")
    record = (await records(books))["modal"]
    assert (record.calls, record.success_rate, record.unknown) == (1, 0.0, 2)


async def test_an_hour_later_nothing_is_left(books: Books) -> None:
    await call(books, "modal")
    await books.sql("UPDATE attempts SET settled_at = settled_at - interval '61 minutes'")
    assert await records(books) == {}


async def test_calls_of_other_days_are_not_looked_at(books: Books) -> None:
    await books.sql(OLD, provider="modal")
    await books.sql("ANALYZE attempts")
    plan = await books.sql(f"EXPLAIN (FORMAT JSON) {RECORDS.text}", not_theirs=["REFUSED"])
    told = json.dumps(plan[0][0])
    assert "ix_attempts_settled_at" in told
    assert "ix_attempts_unclear" in told
    assert "Seq Scan" not in told
