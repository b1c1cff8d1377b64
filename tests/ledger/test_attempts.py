"""Provider calls in the books: asked for by many, counted once."""

import asyncio
from typing import Any

import pytest

from shared.calls import NoteCall
from shared.events import AttemptSettled, ContentRequested
from shared.problems import Problem
from tests.builders import attempt_settled, blob, content_halted, generation
from tests.ledger.books import TENANT, Books, open_attempt, stored, whose

COST = 10_000


def settled(piece: ContentRequested, attempt_id: str | None, **overrides: object) -> AttemptSettled:
    known: dict[str, object] = {
        "task_id": piece.task_id,
        "piece_id": piece.piece_id,
        "attempt_id": attempt_id,
        "cost_usd_micros": COST,
        "image": blob(),
        "generation": generation(attempt_id=attempt_id),
    }
    return attempt_settled(**(known | overrides))


async def cost_of(books: Books, piece: ContentRequested) -> int:
    return (await books.task(piece.task_id)).cost_usd_micros


async def test_a_call_is_allowed_and_its_attempt_numbered(books: Books) -> None:
    (piece,) = await books.accepted()
    request = open_attempt(piece)
    answer = await books.calls.open(request)
    assert (answer.answer, answer.attempt_id, answer.number) == ("go", request.attempt_id, 1)
    (record,) = (await books.piece(piece.piece_id)).attempts
    assert (record.outcome, record.cost_usd_micros) == ("open", 0)


async def test_an_answer_that_was_lost_is_given_again(books: Books) -> None:
    (piece,) = await books.accepted()
    request = open_attempt(piece)
    assert await books.calls.open(request) == await books.calls.open(request)


async def test_calls_asked_for_together_are_each_answered_whatever_was_called_before(
    books: Books,
) -> None:
    called, fresh, ended = await books.accepted(3)
    await books.open_attempt(called, holder="host/9/x")
    await books.endings.halt(content_halted(**whose(ended)))
    asks = [open_attempt(piece) for piece in (called, fresh, ended)]
    assert [each.answer for each in await books.attempts.open(asks)] == ["wait", "go", "no"]
    assert [each.answer for each in await books.attempts.open(asks)] == ["wait", "go", "no"]
    (record,) = (await books.piece(fresh.piece_id)).attempts
    assert record.attempt_id == asks[1].attempt_id


async def test_what_changes_between_look_and_call_is_asked_again(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    (piece,) = await books.accepted()
    ask = books.database.ask
    looks: list[Any] = []

    async def ask_and_end(*question: Any) -> Any:
        rows = await ask(*question)
        if not looks:
            looks.append(rows)
            await books.endings.halt(content_halted(**whose(piece)))
        return rows

    monkeypatch.setattr(books.database, "ask", ask_and_end)
    assert (await books.open_attempt(piece)).answer == "no"
    assert looks[0]
    assert (await books.piece(piece.piece_id)).attempts == ()


async def test_a_freeze_between_look_and_call_is_seen(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    (piece,) = await books.accepted()
    ask = books.database.ask
    looks: list[Any] = []

    async def ask_and_freeze(*question: Any) -> Any:
        rows = await ask(*question)
        if not looks:
            looks.append(rows)
            await books.sql("UPDATE avatars SET frozen_at = now(), frozen_reason = 'found'")
        return rows

    monkeypatch.setattr(books.database, "ask", ask_and_freeze)
    assert (await books.open_attempt(piece)).reason == "frozen"
    assert (await books.piece(piece.piece_id)).attempts == ()


async def test_of_many_processes_at_once_one_may_call(books: Books) -> None:
    (piece,) = await books.accepted()
    answers = await asyncio.gather(
        *(books.open_attempt(piece, holder=f"host/{n}/x") for n in range(10))
    )
    assert sorted(each.answer for each in answers) == ["go"] + ["wait"] * 9
    assert all(0 < (each.after_s or 0) <= 60 for each in answers if each.answer == "wait")


async def test_a_delivery_settles_its_call_when_the_settlement_itself_is_late(
    books: Books,
) -> None:
    (piece,) = await books.accepted()
    answer = await books.open_attempt(piece)
    made = generation(attempt_id=answer.attempt_id, cost_usd_micros=COST)
    await books.endings.deliver(stored(piece, generation=made))
    assert await cost_of(books, piece) == COST
    await books.calls.settle(settled(piece, answer.attempt_id))
    assert await cost_of(books, piece) == COST
    (record,) = (await books.piece(piece.piece_id)).attempts
    assert (record.outcome, record.duration_ms) == ("succeeded", made.generation_time_ms)


async def test_a_settlement_is_counted_once_however_often_it_comes(books: Books) -> None:
    (piece,) = await books.accepted()
    answer = await books.open_attempt(piece)
    fact = settled(piece, answer.attempt_id)
    await asyncio.gather(*(books.calls.settle(fact) for _ in range(5)))
    assert await cost_of(books, piece) == COST
    (record,) = (await books.piece(piece.piece_id)).attempts
    assert (record.outcome, record.duration_ms) == ("succeeded", 1200)


async def test_a_second_settlement_does_not_change_the_first(books: Books) -> None:
    (piece,) = await books.accepted()
    answer = await books.open_attempt(piece)
    await books.calls.settle(settled(piece, answer.attempt_id))
    await books.calls.settle(settled(piece, answer.attempt_id, cost_usd_micros=1))
    assert await cost_of(books, piece) == COST


async def test_an_image_that_was_bought_is_handed_to_the_next_who_asks(books: Books) -> None:
    (piece,) = await books.accepted()
    first = await books.open_attempt(piece)
    fact = settled(piece, first.attempt_id)
    await books.calls.settle(fact)
    again = await books.open_attempt(piece, holder="host/2/x")
    assert (again.answer, again.attempt_id) == ("done", first.attempt_id)
    assert (again.image, again.generation) == (fact.image, fact.generation)


async def test_a_call_whose_lease_is_over_is_unknown_until_it_is_settled(books: Books) -> None:
    (piece,) = await books.accepted()
    lost = await books.open_attempt(piece, holder="host/1/x")
    await books.sql("UPDATE attempts SET lease_until = now()")
    new = await books.open_attempt(piece, holder="host/2/x")
    assert (new.answer, new.number) == ("go", 2)
    attempts = (await books.piece(piece.piece_id)).attempts
    assert [each.outcome for each in attempts] == ["unknown", "open"]
    await books.calls.settle(settled(piece, lost.attempt_id))
    await books.calls.settle(settled(piece, new.attempt_id))
    assert await cost_of(books, piece) == 2 * COST


async def test_a_settlement_that_nobody_has_read_yet_is_no_lost_call(books: Books) -> None:
    (piece,) = await books.accepted()
    first = await books.open_attempt(piece, holder="host/1/x")
    await books.sql("UPDATE attempts SET lease_until = now()")
    fact = settled(piece, first.attempt_id)
    await books.facts.write(fact)
    waiting = await books.open_attempt(piece, holder="host/2/x")
    assert (waiting.answer, waiting.reason, waiting.after_s) == ("wait", "unread", 1.0)
    await books.calls.settle(fact)
    assert (await books.open_attempt(piece, holder="host/2/x")).answer == "done"
    assert await cost_of(books, piece) == COST


async def test_an_unknown_outcome_is_recorded_as_unknown(books: Books) -> None:
    (piece,) = await books.accepted()
    answer = await books.open_attempt(piece)
    unknown = {"outcome": "unknown", "error_code": "TIMEOUT", "image": None, "generation": None}
    await books.calls.settle(settled(piece, answer.attempt_id, **unknown))
    (record,) = (await books.piece(piece.piece_id)).attempts
    assert (record.outcome, record.error_code) == ("unknown", "TIMEOUT")
    assert record.settled_at is not None
    assert (await books.open_attempt(piece)).answer == "go"


async def test_a_cost_nobody_had_asked_for_is_counted_all_the_same(books: Books) -> None:
    (piece,) = await books.accepted()
    await books.open_attempt(piece)
    fact = settled(piece, "never-opened")
    await asyncio.gather(*(books.calls.settle(fact) for _ in range(3)))
    assert await cost_of(books, piece) == COST
    attempts = (await books.piece(piece.piece_id)).attempts
    assert [each.number for each in attempts] == [1, 2]


async def test_a_submitted_call_is_waited_for_by_whoever_comes_next(books: Books) -> None:
    (piece,) = await books.accepted()
    first = await books.open_attempt(piece, holder="host/1/x")
    assert first.attempt_id is not None
    note = NoteCall(
        tenant=TENANT, piece_id=piece.piece_id, attempt_id=first.attempt_id, call_id="fc-1"
    )
    await books.attempts.note_call(note)
    await books.sql("UPDATE attempts SET lease_until = now()")
    answer = await books.open_attempt(piece, holder="host/2/x")
    assert (answer.answer, answer.call_id) == ("pending", "fc-1")
    assert answer.attempt_id == first.attempt_id
    assert (await books.open_attempt(piece, holder="host/3/x")).answer == "wait"


async def test_noting_a_call_of_an_unknown_attempt_is_refused(books: Books) -> None:
    note = NoteCall(tenant=TENANT, piece_id="p", attempt_id="a", call_id="fc-1")
    with pytest.raises(Problem, match="attempt_not_found"):
        await books.attempts.note_call(note)


async def test_an_attempt_id_of_another_piece_is_taken(books: Books) -> None:
    first, second = await books.accepted(2)
    answer = await books.open_attempt(first)
    with pytest.raises(Problem, match="attempt_id_taken"):
        await books.open_attempt(second, attempt_id=answer.attempt_id)


async def test_nothing_may_be_called_for_a_piece_that_has_ended(books: Books) -> None:
    persisted, failed = await books.accepted(2)
    await books.endings.deliver(stored(persisted))
    await books.endings.halt(content_halted(**whose(failed)))
    for piece in (persisted, failed):
        answer = await books.open_attempt(piece)
        assert (answer.answer, answer.reason) == ("no", "ended")


async def test_nothing_may_be_called_for_a_piece_of_another_tenant(books: Books) -> None:
    (piece,) = await books.accepted()
    answer = await books.open_attempt(piece, tenant="other")
    assert (answer.answer, answer.reason) == ("no", "ended")


async def test_nothing_new_may_be_called_after_the_deadline(books: Books) -> None:
    (piece,) = await books.accepted()
    await books.sql("UPDATE pieces SET deadline_at = now()")
    answer = await books.open_attempt(piece)
    assert (answer.answer, answer.reason) == ("no", "deadline")


async def test_an_older_run_may_not_call(books: Books) -> None:
    (piece,) = await books.accepted()
    await books.sql("UPDATE pieces SET current_run = 2")
    answer = await books.open_attempt(piece)
    assert (answer.answer, answer.reason) == ("no", "superseded")
    assert (await books.open_attempt(piece, run=2)).answer == "go"


async def test_a_success_whose_bytes_are_gone_is_bought_again_and_both_costs_are_told(
    books: Books,
) -> None:
    (piece,) = await books.accepted()
    first = await books.open_attempt(piece)
    await books.calls.settle(settled(piece, first.attempt_id))
    adopted = await books.open_attempt(piece)
    assert (adopted.answer, adopted.attempt_id) == ("done", first.attempt_id)

    second = await books.open_attempt(piece, lost_attempt_id=first.attempt_id)
    assert (second.answer, second.number) == ("go", 2)
    await books.calls.settle(settled(piece, second.attempt_id))
    assert await cost_of(books, piece) == 2 * COST

    adopted = await books.open_attempt(piece)
    assert (adopted.answer, adopted.attempt_id) == ("done", second.attempt_id)
    ((lost,),) = await books.sql(
        "SELECT attempt_id FROM attempts WHERE bytes_lost_at IS NOT NULL AND piece_id = :id",
        id=piece.piece_id,
    )
    assert lost == first.attempt_id


async def test_a_loss_is_believed_for_the_piece_itself_only(books: Books) -> None:
    mine, other = await books.accepted(2)
    first = await books.open_attempt(other)
    await books.calls.settle(settled(other, first.attempt_id))
    await books.open_attempt(mine, lost_attempt_id=first.attempt_id)
    assert (await books.open_attempt(other)).answer == "done"
