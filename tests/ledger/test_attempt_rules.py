"""An image is never bought twice: the rules, without a database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.ledger.domain.attempts import (
    Ask,
    Attempt,
    Done,
    Go,
    GoOn,
    No,
    Pending,
    PieceStanding,
    Wait,
    answer_to,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PIECE = PieceStanding(current_run=1, deadline_at=NOW + timedelta(minutes=15))
ASK = Ask(attempt_id="new", run=1, holder="me")
OPEN = Attempt(
    attempt_id="old",
    number=1,
    outcome="open",
    holder="other",
    lease_until=NOW + timedelta(seconds=30),
)
SETTLED = {"succeeded": True, "failed": True, "unknown": False}


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_first_ask_goes_as_number_one() -> None:
    assert answer_to(ASK, PIECE, [], now=NOW) == Go("new", 1)


def test_asking_again_with_the_same_id_gets_the_same_answer() -> None:
    mine = replace(OPEN, attempt_id="new", holder="me")
    assert answer_to(ASK, PIECE, [mine], now=NOW) == GoOn(mine)


def test_another_process_waits_for_the_rest_of_the_lease() -> None:
    assert answer_to(ASK, PIECE, [OPEN], now=at(10)) == Wait(20.0)


def test_the_same_id_from_another_process_waits_as_well() -> None:
    assert answer_to(ASK, PIECE, [replace(OPEN, attempt_id="new")], now=NOW) == Wait(30.0)


def test_a_lease_that_is_over_frees_the_piece_and_the_old_call_is_lost() -> None:
    assert answer_to(ASK, PIECE, [OPEN], now=at(30)) == Go("new", 2, lost=("old",))


def test_the_same_process_with_a_new_id_has_ended_its_old_call() -> None:
    mine = replace(OPEN, holder="me")
    assert answer_to(ASK, PIECE, [mine], now=NOW) == Go("new", 2, lost=("old",))


def test_an_id_that_was_used_up_is_replaced() -> None:
    used = replace(OPEN, attempt_id="new", outcome="failed", settled=True)
    answer = answer_to(ASK, PIECE, [used], now=NOW)
    assert isinstance(answer, Go)
    assert answer.attempt_id != "new"
    assert answer == answer_to(ASK, PIECE, [used], now=NOW)


def test_a_submitted_call_is_waited_for_once_its_lease_is_over() -> None:
    submitted = replace(OPEN, call_id="vendor-1")
    assert answer_to(ASK, PIECE, [submitted], now=at(10)) == Wait(20.0)
    assert answer_to(ASK, PIECE, [submitted], now=at(31)) == Pending(submitted)
    assert answer_to(replace(ASK, holder="other"), PIECE, [submitted], now=NOW) == Pending(
        submitted
    )


def test_an_image_that_was_bought_in_any_run_is_adopted() -> None:
    bought = replace(OPEN, outcome="succeeded", settled=True, has_result=True)
    later = replace(ASK, run=3)
    assert answer_to(later, replace(PIECE, current_run=3), [bought], now=NOW) == Done(bought)


def test_a_success_without_an_image_is_no_success() -> None:
    empty = replace(OPEN, outcome="succeeded", settled=True)
    assert answer_to(ASK, PIECE, [empty], now=NOW) == Go("new", 2)


def test_an_older_run_is_superseded() -> None:
    assert answer_to(ASK, replace(PIECE, current_run=2), [], now=NOW) == No("superseded")


def test_nothing_is_called_for_a_piece_that_has_ended() -> None:
    ended = replace(PIECE, settled=True)
    assert answer_to(ASK, ended, [], now=NOW) == No("ended")
    assert answer_to(ASK, replace(ended, reason="cancelled"), [], now=NOW) == No("cancelled")


def test_the_deadline_forbids_new_calls_only() -> None:
    late = replace(PIECE, deadline_at=NOW)
    bought = replace(OPEN, outcome="succeeded", settled=True, has_result=True)
    assert answer_to(ASK, late, [], now=NOW) == No("deadline")
    assert answer_to(ASK, late, [bought], now=NOW) == Done(bought)


attempts = st.builds(
    Attempt,
    attempt_id=st.uuids().map(str),
    number=st.integers(1, 50),
    outcome=st.sampled_from(["open", "succeeded", "failed", "unknown"]),
    holder=st.sampled_from(["me", "other"]),
    lease_until=st.integers(-100, 100).map(at),
    call_id=st.none() | st.just("vendor-1"),
    settled=st.booleans(),
    has_result=st.booleans(),
).map(lambda each: replace(each, settled=SETTLED.get(each.outcome, False) or each.settled))


@given(st.lists(attempts, max_size=5, unique_by=lambda each: each.number), st.integers(1, 3))
def test_go_means_that_nobody_else_can_be_calling(earlier: list[Attempt], run: int) -> None:
    answer = answer_to(replace(ASK, run=run), PIECE, earlier, now=NOW)
    if not isinstance(answer, Go):
        return
    assert not any(each.has_result for each in earlier)
    for each in earlier:
        if each.outcome == "open" and not each.settled:
            assert each.attempt_id in answer.lost
            assert each.holder == "me" or each.lease_until <= NOW
    assert answer.number == max((each.number for each in earlier), default=0) + 1


@given(st.lists(attempts, max_size=5, unique_by=lambda each: each.number))
def test_nobody_waits_longer_than_the_longest_lease(earlier: list[Attempt]) -> None:
    answer = answer_to(ASK, PIECE, earlier, now=NOW)
    if isinstance(answer, Wait):
        assert 0 < answer.after_s <= 100


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(1, 40), st.sampled_from(["ok", "no", None])),
        max_size=25,
    )
)
def test_processes_that_crash_and_race_never_call_at_the_same_time(
    asks: list[tuple[str, int, str | None]],
) -> None:
    """Each ask: who, how many seconds later, and how its call ends (None: the process dies)."""
    lease = timedelta(seconds=30)
    books: list[Attempt] = []
    now, calling_until, successes = NOW, NOW, 0
    for number, (who, later, end) in enumerate(asks):
        now += timedelta(seconds=later)
        answer = answer_to(Ask(f"id-{number}", 1, f"{who}-{number}"), PIECE, books, now=now)
        if not isinstance(answer, Go):
            continue
        assert now >= calling_until
        assert not successes
        books = [
            replace(each, outcome="unknown") if each.attempt_id in answer.lost else each
            for each in books
        ]
        new = Attempt(answer.attempt_id, answer.number, "open", f"{who}-{number}", now + lease)
        if end == "ok":
            new, successes = replace(new, outcome="succeeded", settled=True, has_result=True), 1
        elif end == "no":
            new = replace(new, outcome="failed", settled=True)
        else:
            calling_until = now + timedelta(seconds=29)
        books.append(new)


def test_a_success_whose_bytes_are_gone_does_not_keep_a_piece_from_being_bought() -> None:
    bought = replace(OPEN, outcome="succeeded", settled=True, has_result=True)
    gone = replace(bought, bytes_lost=True)
    assert isinstance(answer_to(ASK, PIECE, [gone], now=NOW), Go)
    told = replace(ASK, lost=bought.attempt_id)
    assert isinstance(answer_to(told, PIECE, [bought], now=NOW), Go)
    newer = replace(bought, attempt_id="newer", number=2)
    assert answer_to(told, PIECE, [bought, newer], now=NOW) == Done(newer)
