"""Calls that all replicas may make at a provider at a time: counted exactly, freed at once."""

import asyncio
import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ledger.adapters.capacity import COUNT_UNDER_WAY
from services.ledger.adapters.database import Database, PoolLimits
from services.ledger.adapters.database_url import driver_url
from services.ledger.domain.capacity import InFlight
from shared.calls import AttemptAnswer, NoteCall
from shared.events import ContentRequested
from tests.ledger.books import TENANT, Books, open_attempt
from tests.ledger.test_attempts import settled

PROVIDER = "modal_sdxl_lora"
OLD = """
INSERT INTO attempts (attempt_id, number, tenant, task_id, piece_id, run, provider, holder,
    outcome, lease_until, opened_at, settled_at, duration_ms)
SELECT 'old-' || n, 1, 'default', 't', 'p-' || n, 1, :provider, 'h', 'succeeded',
    now() - interval '1 day', now() - interval '1 day', now() - interval '1 day', 1000
FROM generate_series(1, 20000) AS n
"""


async def ask(books: Books, piece: ContentRequested, most: int, **more: object) -> AttemptAnswer:
    given: dict[str, object] = {"provider": PROVIDER, "most_in_flight": most}
    return await books.open_attempt(piece, **(given | more))


def words(answers: list[AttemptAnswer]) -> list[str]:
    return sorted(each.answer for each in answers)


async def test_a_call_too_many_waits_for_capacity(books: Books) -> None:
    first, second, third = await books.accepted(3)
    assert (await ask(books, first, 2)).answer == "go"
    assert (await ask(books, second, 2)).answer == "go"
    answer = await ask(books, third, 2)
    assert (answer.answer, answer.reason, answer.attempt_id) == ("wait", "capacity", None)
    assert answer.after_s is not None
    assert 1 <= answer.after_s <= 5
    assert (await books.piece(third.piece_id)).attempts == ()


async def test_a_batch_counts_its_own_calls(books: Books) -> None:
    pieces = await books.accepted(5)
    limit = {"provider": PROVIDER, "most_in_flight": 3}
    asked = [open_attempt(piece, **limit) for piece in pieces]
    assert words(await books.attempts.open(asked)) == ["go"] * 3 + ["wait"] * 2


async def test_another_provider_has_room_of_its_own(books: Books) -> None:
    first, second = await books.accepted(2)
    asked = [
        open_attempt(first, provider=PROVIDER, most_in_flight=1),
        open_attempt(second, provider="replicate", most_in_flight=1),
    ]
    assert words(await books.attempts.open(asked)) == ["go", "go"]


async def test_all_tenants_share_a_provider(books: Books) -> None:
    mine, theirs = await books.accepted(2)
    await books.sql("UPDATE pieces SET tenant = 'other' WHERE id = :id", id=theirs.piece_id)
    assert (await ask(books, mine, 1)).answer == "go"
    assert (await ask(books, theirs, 1, tenant="other")).reason == "capacity"


async def test_calls_without_a_limit_count_for_those_who_have_one(books: Books) -> None:
    first, second, third = await books.accepted(3)
    await books.open_attempt(first, provider=PROVIDER)
    assert (await ask(books, second, 1)).reason == "capacity"
    assert (await books.open_attempt(third, provider=PROVIDER)).answer == "go"


async def test_replicas_at_once_never_have_more_calls_than_allowed(books: Books, dsn: str) -> None:
    pieces = await books.accepted(24)
    pools = [Database.at(driver_url(dsn), PoolLimits(wait_s=10)) for _ in range(3)]
    replicas = itertools.cycle([Books(pool) for pool in pools])
    answers = await asyncio.gather(*(ask(next(replicas), piece, 7) for piece in pieces))
    assert words(answers) == ["go"] * 7 + ["wait"] * 17
    for pool in pools:
        await pool.close()


async def test_batches_about_the_same_providers_do_not_wait_for_each_other(books: Books) -> None:
    pieces = await books.accepted(24)
    names = ["modal_sdxl_lora", "replicate", "comfyui"]
    batches = [
        [
            open_attempt(piece, provider=name, most_in_flight=5)
            for piece, name in zip(pieces[n :: len(names)] * 2, itertools.cycle(names))
        ]
        for n in range(len(names))
    ]
    async with asyncio.timeout(30):
        await asyncio.gather(*(books.attempts.open(batch) for batch in batches))
    rows = await books.sql(
        "SELECT provider, count(*) AS n FROM attempts WHERE outcome = 'open' GROUP BY provider"
    )
    assert {row.provider: row.n for row in rows} == dict.fromkeys(names, 5)


async def test_a_settled_call_frees_its_place_at_once(books: Books) -> None:
    first, second = await books.accepted(2)
    answer = await ask(books, first, 1)
    await books.calls.settle(settled(first, answer.attempt_id))
    assert (await ask(books, second, 1)).answer == "go"


async def test_the_place_of_a_process_that_died_is_free_when_its_lease_is_over(
    books: Books,
) -> None:
    first, second = await books.accepted(2)
    await ask(books, first, 1, holder="host/1/dead")
    assert (await ask(books, second, 1)).reason == "capacity"
    await books.sql("UPDATE attempts SET lease_until = now()")
    assert (await ask(books, second, 1)).answer == "go"


async def test_who_asks_anew_for_its_own_piece_is_not_in_its_own_way(books: Books) -> None:
    (piece,) = await books.accepted()
    first = await ask(books, piece, 1)
    again = await ask(books, piece, 1)
    assert (again.answer, again.number) == ("go", 2)
    assert again.attempt_id != first.attempt_id
    (other,) = await books.accepted()
    assert (await ask(books, other, 1)).reason == "capacity"


async def test_what_was_bought_or_begun_is_never_refused_for_capacity(books: Books) -> None:
    bought, begun, submitted, full = await books.accepted(4)
    limit = {"provider": PROVIDER, "most_in_flight": 10}
    first = await books.open_attempt(bought, **limit)
    await books.calls.settle(settled(bought, first.attempt_id))
    request = open_attempt(begun, **limit)
    await books.calls.open(request)
    pending = await books.open_attempt(submitted, **limit)
    assert pending.attempt_id is not None
    note = {"piece_id": submitted.piece_id, "attempt_id": pending.attempt_id, "call_id": "fc-1"}
    await books.attempts.note_call(NoteCall.model_validate({"tenant": TENANT} | note))

    assert (await ask(books, full, 1)).reason == "capacity"
    done = await ask(books, bought, 1)
    assert (done.answer, done.provider) == ("done", PROVIDER)
    again = request.model_copy(update={"most_in_flight": 1})
    assert (await books.calls.open(again)).answer == "go"
    waited_for = await ask(books, submitted, 1, provider="replicate")
    assert (waited_for.answer, waited_for.provider) == ("pending", PROVIDER)


async def test_a_submitted_call_that_is_taken_up_again_takes_a_place(books: Books) -> None:
    submitted, new = await books.accepted(2)
    pending = await ask(books, submitted, 1)
    assert pending.attempt_id is not None
    note = {"piece_id": submitted.piece_id, "attempt_id": pending.attempt_id, "call_id": "fc-1"}
    await books.attempts.note_call(NoteCall.model_validate({"tenant": TENANT} | note))
    await books.sql("UPDATE attempts SET lease_until = now()")
    limit = {"provider": PROVIDER, "most_in_flight": 1}
    asked = [open_attempt(submitted, **limit), open_attempt(new, **limit)]
    first, second = await books.attempts.open(asked)
    assert (first.answer, second.reason) == ("pending", "capacity")


async def test_without_a_limit_nobody_is_held_up(books: Books) -> None:
    limited, free = await books.accepted(2)
    async with books.database.write() as transaction:
        everybody = "SELECT pg_advisory_xact_lock(1402177014, hashtext('modal_sdxl_lora'))"
        await transaction.connection.exec_driver_sql(everybody)
        async with asyncio.timeout(30):
            assert (await books.open_attempt(free, provider=PROVIDER)).answer == "go"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await ask(books, limited, 5)


async def test_twenty_thousand_old_calls_are_not_looked_at(books: Books) -> None:
    await books.sql(OLD, provider=PROVIDER)
    await books.sql("ANALYZE attempts")
    plan = await books.sql(
        f"EXPLAIN (FORMAT JSON) {COUNT_UNDER_WAY.text}",
        providers=[PROVIDER],
    )
    told = json.dumps(plan[0][0])
    assert "ix_attempts_open_by_provider" in told
    assert "Seq Scan" not in told


@given(st.integers(0, 100), st.floats(0, 10_000))
def test_the_wait_is_short_whatever_is_under_way(calls: int, age_s: float) -> None:
    assert 1 <= InFlight(calls, age_s).next_end_s <= 5


def test_the_wait_follows_from_how_long_calls_take() -> None:
    assert InFlight(3, 6.0).next_end_s == 4.0
    assert InFlight(6, 6.0).next_end_s == 2.0
