"""Captions are bought once, and made sure of once more at most: the rules, without a database."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ledger.domain.attempts import (
    Answer,
    Ask,
    Attempt,
    Done,
    Go,
    GoOn,
    Kind,
    No,
    Wait,
    answer_to,
)
from tests.ledger.test_attempt_rules import NOW, OPEN, PIECE, at
from tests.ledger.test_attempt_rules import attempts as images

ASK = Ask(attempt_id="new", run=1, holder="me", kind="captions")
CALLING = replace(OPEN, kind="captions")
LOST = replace(CALLING, outcome="unknown")
TWICE = [LOST, replace(LOST, attempt_id="older", number=2)]
BOUGHT = replace(CALLING, outcome="succeeded", settled=True, has_result=True)


def test_first_ask_goes_as_number_one() -> None:
    assert answer_to(ASK, PIECE, [], now=NOW) == Go("new", 1)


def test_captions_that_were_bought_in_any_run_are_adopted() -> None:
    later = replace(PIECE, current_run=3)
    assert answer_to(replace(ASK, run=3), later, [BOUGHT], now=NOW) == Done(BOUGHT)


def test_captions_cannot_get_lost_once_they_are_in_the_books() -> None:
    ask = replace(ASK, lost=BOUGHT.attempt_id)
    assert answer_to(ask, PIECE, [replace(BOUGHT, bytes_lost=True)], now=NOW) == Done(
        replace(BOUGHT, bytes_lost=True)
    )


def test_another_process_waits_for_the_rest_of_the_lease() -> None:
    assert answer_to(ASK, PIECE, [CALLING], now=at(10)) == Wait(20.0)


def test_asking_again_with_the_same_id_gets_the_same_answer() -> None:
    mine = replace(CALLING, attempt_id="new", holder="me")
    assert answer_to(ASK, PIECE, [mine], now=NOW) == GoOn(mine)


@pytest.mark.parametrize("settled", [True, False])
def test_a_lost_call_is_made_once_more(settled: bool) -> None:
    assert answer_to(ASK, PIECE, [replace(LOST, settled=settled)], now=NOW) == Go("new", 2)
    assert answer_to(ASK, PIECE, [CALLING], now=at(30)) == Go("new", 2, lost=("old",))


def test_a_second_lost_call_is_the_last() -> None:
    assert answer_to(ASK, PIECE, TWICE, now=NOW) == No("spent")
    running_out = replace(CALLING, attempt_id="second", number=2)
    assert answer_to(ASK, PIECE, [LOST, running_out], now=at(30)) == No("spent", ("second",))


def test_a_success_without_captions_counts_as_lost() -> None:
    empty = replace(BOUGHT, has_result=False)
    assert answer_to(ASK, PIECE, [empty], now=NOW) == Go("new", 2)
    assert answer_to(ASK, PIECE, [empty, TWICE[1]], now=NOW) == No("spent")


def test_a_late_success_among_lost_calls_is_adopted() -> None:
    late = replace(TWICE[1], outcome="succeeded", settled=True, has_result=True)
    assert answer_to(ASK, PIECE, [LOST, late], now=NOW) == Done(late)


def test_failures_of_known_end_do_not_count_as_lost() -> None:
    failed = [
        replace(CALLING, attempt_id=f"f{n}", number=n, outcome="failed", settled=True)
        for n in range(1, 5)
    ]
    assert answer_to(ASK, PIECE, failed, now=NOW) == Go("new", 5)


def test_nobody_can_be_asked_later_what_a_call_for_captions_gave() -> None:
    noted = replace(CALLING, call_id="msg_1")
    assert answer_to(ASK, PIECE, [noted], now=at(30)) == Go("new", 2, lost=("old",))
    unknown = replace(LOST, call_id="msg_1")
    assert answer_to(ASK, PIECE, [unknown], now=NOW) == Go("new", 2)


def test_a_piece_that_may_not_go_on_gets_no_captions() -> None:
    reasons: dict[str, Answer] = {
        "superseded": answer_to(ASK, replace(PIECE, current_run=2), [], now=NOW),
        "ended": answer_to(ASK, replace(PIECE, settled=True), [], now=NOW),
        "cancelled": answer_to(ASK, replace(PIECE, settled=True, reason="cancelled"), [], now=NOW),
        "frozen": answer_to(ASK, replace(PIECE, frozen=True), [], now=NOW),
        "deadline": answer_to(ASK, replace(PIECE, deadline_at=NOW), [], now=NOW),
    }
    for reason, answer in reasons.items():
        assert answer == No(reason)  # type: ignore[arg-type]


def test_what_was_bought_is_given_to_a_frozen_or_late_piece() -> None:
    late = replace(PIECE, frozen=True, deadline_at=NOW)
    assert answer_to(ASK, late, [BOUGHT], now=NOW) == Done(BOUGHT)


def of_kind(kind: Kind) -> st.SearchStrategy[Attempt]:
    return images.map(lambda each: replace(each, kind=kind))


mixed = st.lists(
    st.one_of(of_kind("image"), of_kind("captions")),
    max_size=6,
    unique_by=lambda each: each.number,
)


@given(mixed, st.sampled_from(["image", "captions"]))
def test_calls_of_one_kind_say_nothing_about_the_other(earlier: list[Attempt], kind: Kind) -> None:
    ask = replace(ASK, kind=kind)
    alike = [each for each in earlier if each.kind == kind]
    answer = answer_to(ask, PIECE, earlier, now=NOW)
    alone = answer_to(ask, PIECE, alike, now=NOW)
    if isinstance(answer, Go) and isinstance(alone, Go):
        assert answer.lost == alone.lost
        assert answer.number == 1 + max((each.number for each in earlier), default=0)
    else:
        assert answer == alone


@given(st.lists(st.sampled_from(["ok", "no", None]), max_size=12))
def test_whatever_gets_lost_captions_are_charged_twice_at_most(
    ends: list[str | None],
) -> None:
    """How each call ends that is allowed (None: its process dies, and it may be charged)."""
    books: list[Attempt] = []
    charged, now = 0, NOW
    for nth, end in enumerate(ends):
        now += timedelta(seconds=40)
        answer = answer_to(replace(ASK, attempt_id=f"id-{nth}"), PIECE, books, now=now)
        if not isinstance(answer, Go):
            continue
        books = [
            replace(each, outcome="unknown") if each.attempt_id in answer.lost else each
            for each in books
        ]
        new = Attempt(answer.attempt_id, answer.number, "open", f"h{nth}", now, kind="captions")
        if end == "ok":
            new = replace(new, outcome="succeeded", settled=True, has_result=True)
        elif end == "no":
            new = replace(new, outcome="failed", settled=True)
        charged += end != "no"
        books.append(new)
    assert charged <= 2
    assert sum(each.has_result for each in books) <= 1
