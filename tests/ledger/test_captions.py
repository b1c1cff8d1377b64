"""Captions in the books: bought beside images, once a piece."""

import asyncio

import pytest
from sqlalchemy.exc import IntegrityError

from shared.calls import FindSubstitute
from tests.ledger.books import TENANT, Books, open_attempt
from tests.ledger.captioning import ask, buy, lost, written
from tests.ledger.test_attempts import settled


async def test_images_and_captions_are_called_for_side_by_side_and_numbered_together(
    books: Books,
) -> None:
    (piece,) = await books.accepted()
    image, captions = await books.open_attempt(piece), await ask(books, piece)
    assert (image.answer, captions.answer) == ("go", "go")
    attempts = (await books.piece(piece.piece_id)).attempts
    assert [(each.number, each.kind) for each in attempts] == [(1, "image"), (2, "captions")]


async def test_one_batch_may_ask_for_both_kinds_of_one_piece(books: Books) -> None:
    (piece,) = await books.accepted()
    asked = [open_attempt(piece), open_attempt(piece, kind="captions")]
    answers = await books.attempts.open(asked)
    assert [(each.answer, each.number) for each in answers] == [("go", 1), ("go", 2)]


async def test_of_many_processes_at_once_one_may_call(books: Books) -> None:
    (piece,) = await books.accepted()
    answers = await asyncio.gather(*(ask(books, piece, holder=f"hooks/{n}/x") for n in range(8)))
    assert sorted(each.answer for each in answers) == ["go"] + ["wait"] * 7


async def test_captions_that_were_bought_are_handed_to_the_next_who_asks(books: Books) -> None:
    (piece,) = await books.accepted()
    fact = await buy(books, piece)
    again = await ask(books, piece, holder="hooks/2/x")
    assert (again.answer, again.attempt_id) == ("done", fact.attempt_id)
    assert (again.captions, again.provider) == (fact.captions, "anthropic")
    assert (again.image, again.generation) == (None, None)


async def test_captions_are_no_image_and_an_image_no_captions(books: Books) -> None:
    captioned, drawn = await books.accepted(2)
    await buy(books, captioned)
    assert (await books.open_attempt(captioned)).answer == "go"
    image = await books.open_attempt(drawn)
    await books.calls.settle(settled(drawn, image.attempt_id))
    assert (await ask(books, drawn)).answer == "go"
    own = FindSubstitute(
        tenant=TENANT, task_id=captioned.task_id, piece_id=captioned.piece_id, run=1, own_only=True
    )
    assert (await books.substitutes.find(own)).image is None


async def test_a_lost_call_is_made_once_more_and_then_it_is_enough(books: Books) -> None:
    (piece,) = await books.accepted()
    first = await ask(books, piece, holder="hooks/1/dead")
    await books.sql("UPDATE attempts SET lease_until = now()")
    second = await ask(books, piece, holder="hooks/2/x")
    assert (second.answer, second.number) == ("go", 2)
    await books.calls.settle(lost(piece, second.attempt_id))
    third = await ask(books, piece, holder="hooks/2/x")
    assert (third.answer, third.reason) == ("no", "spent")
    await books.calls.settle(written(piece, first.attempt_id))
    late = await ask(books, piece)
    assert (late.answer, late.attempt_id) == ("done", first.attempt_id)


async def test_the_second_call_that_is_given_up_is_recorded_as_unknown(books: Books) -> None:
    (piece,) = await books.accepted()
    for n in range(2):
        await ask(books, piece, holder=f"hooks/{n}/dead")
        await books.sql("UPDATE attempts SET lease_until = now()")
    assert (await ask(books, piece, holder="hooks/3/x")).reason == "spent"
    attempts = (await books.piece(piece.piece_id)).attempts
    assert [each.outcome for each in attempts] == ["unknown", "unknown"]


async def test_a_settlement_that_nobody_has_read_yet_is_not_given_up(books: Books) -> None:
    (piece,) = await books.accepted()
    first = await ask(books, piece)
    await books.calls.settle(lost(piece, first.attempt_id))
    second = await ask(books, piece, holder="hooks/2/x")
    await books.sql("UPDATE attempts SET lease_until = now()")
    fact = written(piece, second.attempt_id)
    await books.facts.write(fact)
    waiting = await ask(books, piece, holder="hooks/3/x")
    assert (waiting.answer, waiting.reason, waiting.after_s) == ("wait", "unread", 1.0)
    await books.calls.settle(fact)
    assert (await ask(books, piece, holder="hooks/3/x")).answer == "done"


async def test_who_asks_again_right_after_settling_waits_until_that_is_read(books: Books) -> None:
    (piece,) = await books.accepted()
    for n in range(1, 4):
        answer = await ask(books, piece)
        assert (answer.answer, answer.number) == ("go", n)
        useless = written(
            piece, answer.attempt_id, outcome="failed", error_code="MALFORMED", captions=None
        )
        await books.facts.write(useless)
        assert (await ask(books, piece)).reason == "unread"
        await books.calls.settle(useless)


async def test_captions_of_an_image_whose_bytes_are_gone_stay_bought(books: Books) -> None:
    (piece,) = await books.accepted()
    fact = await buy(books, piece)
    again = await ask(books, piece, lost_attempt_id=fact.attempt_id)
    assert (again.answer, again.attempt_id) == ("done", fact.attempt_id)
    await books.open_attempt(piece, lost_attempt_id=fact.attempt_id)
    assert await books.sql("SELECT 1 FROM attempts WHERE bytes_lost_at IS NOT NULL") == []


async def test_captions_nobody_had_asked_for_are_counted_and_adopted(books: Books) -> None:
    (piece,) = await books.accepted()
    await books.open_attempt(piece)
    fact = written(piece, "never-opened")
    await asyncio.gather(*(books.calls.settle(fact) for _ in range(3)))
    attempts = (await books.piece(piece.piece_id)).attempts
    assert [(each.number, each.kind) for each in attempts] == [(1, "image"), (2, "captions")]
    answer = await ask(books, piece)
    assert (answer.answer, answer.captions) == ("done", fact.captions)


async def test_capacity_is_counted_for_each_provider_whatever_it_is_asked_for(
    books: Books,
) -> None:
    first, second, third = await books.accepted(3)
    await ask(books, first, most_in_flight=1)
    assert (await ask(books, second, most_in_flight=1)).reason == "capacity"
    limit = {"provider": "preview", "most_in_flight": 1}
    assert (await books.open_attempt(third, **limit)).answer == "go"


@pytest.mark.parametrize("state", ["ended", "deadline", "superseded"])
async def test_nothing_is_written_for_a_piece_that_may_not_go_on(books: Books, state: str) -> None:
    (piece,) = await books.accepted()
    changes = {
        "ended": "state = 'failed', reason = 'deadline', ended_at = now()",
        "deadline": "deadline_at = now()",
        "superseded": "current_run = 2",
    }
    await books.sql(f"UPDATE pieces SET {changes[state]}")
    answer = await ask(books, piece)
    assert (answer.answer, answer.reason) == ("no", state)


async def test_the_database_refuses_a_second_open_call_of_a_kind_and_other_kinds(
    books: Books,
) -> None:
    (piece,) = await books.accepted()
    await ask(books, piece)
    another = (
        "INSERT INTO attempts (attempt_id, number, tenant, task_id, piece_id, run, provider,"
        " holder, lease_until, kind) SELECT 'other', 2, tenant, task_id, piece_id, run, provider,"
        " holder, lease_until, :kind FROM attempts"
    )
    with pytest.raises(IntegrityError, match="one_open_per_piece_and_kind"):
        await books.sql(another, kind="captions")
    with pytest.raises(IntegrityError, match="ck_attempts_kind"):
        await books.sql(another, kind="music")
