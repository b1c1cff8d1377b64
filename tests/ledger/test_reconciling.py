"""Calls that nobody knows the end of, reconciled with the bill: every cent once."""

import asyncio
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from services.ledger.domain.reconciling import Unclear, cost_said, is_news
from shared.calls import AvatarRef, BookedAttempt, ListAttempts, ReconcileAttempt
from shared.events import ContentRequested
from shared.problems import Problem
from tests.ledger.books import TENANT, Books, stored
from tests.ledger.test_attempts import COST, cost_of, settled
from tests.ledger.test_provider_records import UNKNOWN, records

BILL = 12_345


async def told_unknown(books: Books) -> tuple[ContentRequested, str]:
    """A piece whose call has timed out."""
    (piece,) = await books.accepted()
    answer = await books.open_attempt(piece, provider="modal")
    assert answer.attempt_id is not None
    unknown = UNKNOWN | {"cost_usd_micros": 0, "provider": "modal"}
    await books.calls.settle(settled(piece, answer.attempt_id, **unknown))
    return piece, answer.attempt_id


async def never_told(books: Books) -> tuple[ContentRequested, str]:
    """A piece whose call ended with its process; another call has been opened since."""
    (piece,) = await books.accepted()
    answer = await books.open_attempt(piece, provider="modal", holder="host/1/dead")
    assert answer.attempt_id is not None
    await books.sql("UPDATE attempts SET lease_until = now() WHERE outcome = 'open'")
    await books.open_attempt(piece, provider="modal", holder="host/2/x")
    return piece, answer.attempt_id


def bill(attempt_id: str, cost: int = BILL, **overrides: object) -> ReconcileAttempt:
    given: dict[str, Any] = {
        "tenant": TENANT,
        "attempt_id": attempt_id,
        "result": "charged" if cost else "not_charged",
        "cost_usd_micros": cost,
        "by": "key-1",
        "note": "invoice 7",
    }
    return ReconcileAttempt.model_validate(given | overrides)


async def say(books: Books, attempt_id: str, cost: int = BILL, **more: object) -> BookedAttempt:
    return await books.reconciling.reconcile(bill(attempt_id, cost, **more))


async def refusal(books: Books, request: ReconcileAttempt) -> tuple[int, str]:
    with pytest.raises(Problem) as refused:
        await books.reconciling.reconcile(request)
    return refused.value.details.status, refused.value.details.code


@pytest.mark.parametrize("make", [told_unknown, never_told])
async def test_a_charge_is_part_of_every_sum(books: Books, make: Any) -> None:
    piece, attempt_id = await make(books)
    shown = await say(books, attempt_id)
    assert (shown.outcome, shown.cost_usd_micros) == ("unknown", BILL)
    assert (shown.reconciled_by, shown.reconcile_note) == ("key-1", "invoice 7")
    assert shown.reconciled_at is not None
    assert await cost_of(books, piece) == BILL
    assert (await books.piece(piece.piece_id)).piece.cost_usd_micros == BILL
    stats = await books.reports.stats(AvatarRef(tenant=TENANT, avatar_id=piece.brief.avatar_id))
    assert stats.total_cost_usd_micros == BILL
    # Only that it was paid is known, not that there was an image.
    assert stats.total_generation_time_ms == 0


async def test_what_was_not_charged_costs_nothing_and_waits_no_more(books: Books) -> None:
    piece, attempt_id = await told_unknown(books)
    shown = await say(books, attempt_id, 0)
    assert (shown.cost_usd_micros, shown.reconciled_by) == (0, "key-1")
    assert await cost_of(books, piece) == 0
    waiting = await books.attempt_list.list(ListAttempts(tenant=TENANT, outcome="unknown"))
    assert waiting.attempts == ()
    everything = await books.attempt_list.list(ListAttempts(tenant=TENANT))
    assert [each.attempt_id for each in everything.attempts] == [attempt_id]


async def test_the_same_again_changes_nothing(books: Books) -> None:
    piece, attempt_id = await told_unknown(books)
    first = await say(books, attempt_id)
    again = await asyncio.gather(*(say(books, attempt_id, by=f"key-{n}") for n in range(3)))
    assert again == [first] * 3
    assert await cost_of(books, piece) == BILL


async def test_another_answer_is_refused(books: Books) -> None:
    piece, attempt_id = await told_unknown(books)
    await say(books, attempt_id)
    for cost in (0, BILL + 1):
        assert await refusal(books, bill(attempt_id, cost)) == (409, "attempt_not_unknown")
    assert await cost_of(books, piece) == BILL


async def test_only_an_unknown_call_of_the_tenant_can_be_reconciled(books: Books) -> None:
    _, attempt_id = await told_unknown(books)
    (piece,) = await books.accepted()
    opened = await books.open_attempt(piece)
    assert opened.attempt_id is not None
    not_unknown = (409, "attempt_not_unknown")
    assert await refusal(books, bill(opened.attempt_id)) == not_unknown
    await books.calls.settle(settled(piece, opened.attempt_id))
    assert await refusal(books, bill(opened.attempt_id)) == not_unknown
    assert await cost_of(books, piece) == COST
    foreign = bill(attempt_id, tenant="other")
    assert await refusal(books, foreign) == (404, "attempt_not_found")
    assert await refusal(books, bill("nothing")) == (404, "attempt_not_found")


async def test_an_answer_that_contradicts_itself_is_refused(books: Books) -> None:
    _, attempt_id = await told_unknown(books)
    for wrong in ({"result": "charged", "cost_usd_micros": 0}, {"result": "not_charged"}):
        assert await refusal(books, bill(attempt_id, **wrong)) == (422, "invalid_request")


async def test_a_late_success_replaces_what_was_said(books: Books) -> None:
    piece, attempt_id = await never_told(books)
    await say(books, attempt_id)
    fact = settled(piece, attempt_id, provider="modal")
    await books.calls.settle(fact)
    await books.calls.settle(fact)
    assert await cost_of(books, piece) == COST
    first, _ = (await books.piece(piece.piece_id)).attempts
    assert (first.outcome, first.cost_usd_micros) == ("succeeded", COST)
    assert await refusal(books, bill(attempt_id)) == (409, "attempt_not_unknown")


async def test_a_delivery_of_a_reconciled_call_counts_its_cost_once(books: Books) -> None:
    piece, attempt_id = await never_told(books)
    await say(books, attempt_id)
    event = settled(piece, attempt_id, provider="modal")
    assert event.generation is not None
    made = event.generation.model_copy(update={"cost_usd_micros": COST})
    await books.endings.deliver(stored(piece, generation=made))
    await books.calls.settle(event)
    assert await cost_of(books, piece) == COST


async def test_a_late_word_that_nobody_knows_leaves_what_was_said(books: Books) -> None:
    piece, attempt_id = await never_told(books)
    await say(books, attempt_id)
    late = settled(piece, attempt_id, **(UNKNOWN | {"cost_usd_micros": 0}))
    await books.calls.settle(late)
    assert await cost_of(books, piece) == BILL
    again = await say(books, attempt_id)
    assert again.cost_usd_micros == BILL


async def test_a_redelivered_settlement_leaves_what_was_said(books: Books) -> None:
    piece, attempt_id = await told_unknown(books)
    await say(books, attempt_id)
    await books.calls.settle(settled(piece, attempt_id, **(UNKNOWN | {"cost_usd_micros": 0})))
    assert await cost_of(books, piece) == BILL


async def test_the_providers_record_tells_the_cost(books: Books) -> None:
    _, attempt_id = await told_unknown(books)
    await say(books, attempt_id)
    assert (await records(books))["modal"].cost_usd_micros == BILL


async def test_the_database_refuses_a_reconciliation_by_nobody_or_of_a_call_under_way(
    books: Books,
) -> None:
    await told_unknown(books)
    with pytest.raises(IntegrityError, match="ck_attempts_reconciled"):
        await books.sql("UPDATE attempts SET reconciled_at = now()")
    (piece,) = await books.accepted()
    await books.open_attempt(piece)
    with pytest.raises(IntegrityError, match="open_is_unreconciled"):
        await books.sql("UPDATE attempts SET reconciled_at = now(), reconciled_by = 'key-1'")


def test_the_rules_know_news_from_repetition() -> None:
    assert is_news(Unclear("unknown"), 5)
    assert not is_news(Unclear("unknown", 5), 5)
    assert not is_news(Unclear("unknown", 0), 0)
    assert (cost_said("charged", 5), cost_said("not_charged", 0)) == (5, 0)
