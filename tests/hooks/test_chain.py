"""Copywriters in order: partial answers, failures, leave, money and the screen, with fakes."""

import pytest

from services.hooks.domain.failures import CopyFailure
from services.hooks.handler.jobs import Outcome, Unwritten
from shared.breaker import State
from shared.calls import AttemptAnswer
from shared.content import Captions, CaptionSource
from shared.outcomes import GiveUp, TryLater
from tests.hooks.fakes import (
    USAGE,
    OpenScreen,
    RecordingAttempts,
    ScriptedModel,
    Writing,
    answered,
    only,
    pieces,
    well_done,
)

REFUSED = CopyFailure("REFUSED", "will not", usage=USAGE)
MALFORMED = CopyFailure("MALFORMED", "no JSON", usage=USAGE)
TIMEOUT = CopyFailure("TIMEOUT", "too long", outcome="unknown")
DOWN = CopyFailure("CONNECTION", "refused")
BUSY = CopyFailure("RATE_LIMITED", "HTTP 429", retry_after_s=7)
REJECTED = CopyFailure("REJECTED", "HTTP 401")


def written(outcome: Outcome) -> Captions:
    assert isinstance(outcome, Captions), outcome
    return outcome


async def test_five_captions_a_piece_with_who_wrote_them_and_what_they_cost() -> None:
    writing = Writing([ScriptedModel()])
    outcomes = [written(each) for each in await writing(*pieces(10))]
    assert {len(each.hooks) for each in outcomes} == {5}
    assert {each.source for each in outcomes} == {CaptionSource.MODEL}
    assert {(each.provider, each.model) for each in outcomes} == {("scripted", "tiny-model")}
    assert sum(each.input_tokens for each in outcomes) == 1003
    assert sum(each.output_tokens for each in outcomes) == 2001
    assert sum(each.cost_usd_micros for each in outcomes) == 1101


async def test_every_piece_is_settled_with_its_captions_and_share() -> None:
    writing, events = Writing([ScriptedModel()]), pieces(3)
    outcomes = await writing(*events)
    settled = {each.piece_id: each for each in writing.attempts.settled}
    for event, outcome in zip(events, outcomes, strict=True):
        mine = settled[event.piece_id]
        assert mine.captions == outcome
        assert (mine.kind, mine.outcome, mine.run) == ("captions", "succeeded", event.run)
        assert mine.cost_usd_micros == written(outcome).cost_usd_micros
        assert mine.attempt_id == written(outcome).attempt_id


async def test_what_some_lack_is_asked_for_once_more_and_the_rest_is_kept() -> None:
    model = ScriptedModel([only("p1", "p3")])
    outcomes = await Writing([model])(*pieces(3))
    assert model.asked == [["p1", "p2", "p3"], ["p2"]]
    assert all(isinstance(each, Captions) for each in outcomes)


async def test_what_is_malformed_twice_goes_to_the_next_copywriter() -> None:
    first, second = ScriptedModel([only("p1"), MALFORMED]), ScriptedModel(name="second")
    writing = Writing([first, second])
    one, two = await writing(*pieces(2))
    assert (written(one).provider, written(two).provider) == ("scripted", "second")
    assert second.asked == [["p2"]]
    assert writing.attempts.ends == [
        ("scripted", "succeeded", None),
        ("scripted", "failed", "MALFORMED"),
        ("scripted", "failed", "MALFORMED"),
        ("second", "succeeded", None),
    ]
    assert sum(each.cost_usd_micros for each in writing.attempts.settled) == 3 * 1101


@pytest.mark.parametrize(
    ("failure", "calls", "instead_of"),
    [
        (REFUSED, 1, "refused"),
        (MALFORMED, 2, "malformed"),
        (DOWN, 2, "unavailable"),
        (REJECTED, 1, "unavailable"),
    ],
)
async def test_a_failure_ends_in_the_next_copywriter_and_then_in_written_captions(
    failure: CopyFailure, calls: int, instead_of: str
) -> None:
    first, second = ScriptedModel([failure] * 9), ScriptedModel([failure] * 9, name="second")
    outcomes = await Writing([first, second])(*pieces(2))
    assert outcomes == [Unwritten(instead_of)] * 2  # type: ignore[arg-type]
    assert (len(first.asked), len(second.asked)) == (calls, calls)


async def test_a_call_that_was_cut_is_on_record_as_unknown_and_costs_nothing_yet() -> None:
    writing = Writing([ScriptedModel([TIMEOUT])])
    (outcome,) = await writing(*pieces(1))
    assert writing.attempts.ends == [
        ("scripted", "unknown", "TIMEOUT"),
        ("scripted", "succeeded", None),
    ]
    assert writing.attempts.settled[0].cost_usd_micros == 0
    assert isinstance(outcome, Captions)


async def test_a_call_that_was_cut_is_repeated_once_and_by_nobody_twice() -> None:
    first, second = ScriptedModel([TIMEOUT] * 9), ScriptedModel(name="second")
    writing = Writing([first, second])
    assert await writing(*pieces(2)) == [Unwritten("unavailable")] * 2
    assert (len(first.asked), len(second.asked)) == (2, 0)
    assert [each.outcome for each in writing.attempts.settled] == ["unknown"] * 4


async def test_a_refusal_has_its_price() -> None:
    writing = Writing([ScriptedModel([REFUSED])])
    await writing(*pieces(4))
    assert [each.outcome for each in writing.attempts.settled] == ["failed"] * 4
    assert sum(each.cost_usd_micros for each in writing.attempts.settled) == 1101


async def test_after_five_failures_a_copywriter_is_left_alone_for_a_minute() -> None:
    model = ScriptedModel([DOWN] * 5)
    writing = Writing([model])
    for _ in range(5):
        await writing(*pieces(1))
    assert len(model.asked) == 5
    assert writing.writers[0].breaker.state is State.OPEN
    assert len(writing.attempts.opened) == 5
    writing.clock.now += 60
    (outcome,) = await writing(*pieces(1))
    assert isinstance(outcome, Captions)


async def test_the_second_call_waits_until_the_ledger_has_read_how_the_first_ended() -> None:
    unread = AttemptAnswer(answer="wait", reason="unread", after_s=1.0)
    writing = Writing([ScriptedModel([answered()])])
    (piece,) = pieces(1)
    go = AttemptAnswer(answer="go", attempt_id="a-1")
    writing.attempts.answers[piece.piece_id] = [go, unread, unread]
    (outcome,) = await writing(piece)
    assert written(outcome)
    assert writing.attempts.ends == [
        ("scripted", "failed", "MALFORMED"),
        ("scripted", "succeeded", None),
    ]


async def test_a_ledger_that_does_not_read_makes_the_piece_wait() -> None:
    unread = AttemptAnswer(answer="wait", reason="unread", after_s=1.0)
    model = ScriptedModel()
    writing = Writing([model])
    (piece,) = pieces(1)
    writing.attempts.answers[piece.piece_id] = [unread] * 20
    (outcome,) = await writing(piece)
    assert isinstance(outcome, TryLater)
    assert model.asked == []


async def test_who_asks_for_patience_is_waited_for_and_asked_by_nobody_meanwhile() -> None:
    model = ScriptedModel([BUSY])
    writing = Writing([model])
    assert await writing(*pieces(1)) == [Unwritten("unavailable", wait_s=7.0)]
    writing.clock.now += 3
    assert await writing(*pieces(1)) == [Unwritten("unavailable", wait_s=4.0)]
    assert len(model.asked) == 1
    writing.clock.now += 4
    (outcome,) = await writing(*pieces(1))
    assert isinstance(outcome, Captions)
    assert writing.writers[0].breaker.state is State.CLOSED


async def test_patience_is_asked_for_a_minute_at_most() -> None:
    for asks in (3600.0, 10.0**9):
        slow = CopyFailure("OVERLOADED", "HTTP 529", retry_after_s=asks)
        assert await Writing([ScriptedModel([slow])])(*pieces(1)) == [
            Unwritten("unavailable", 60.0)
        ]


async def test_who_says_not_how_long_is_left_alone_longer_each_time() -> None:
    model = ScriptedModel([CopyFailure("OVERLOADED", "HTTP 529")] * 4)
    writing, waits = Writing([model]), []
    for _ in range(4):
        (outcome,) = await writing(*pieces(1))
        assert isinstance(outcome, Unwritten)
        waits.append(outcome.wait_s or 0)
        writing.clock.now += 60
    for wait_s, least in zip(waits, (1, 2, 4, 8), strict=True):
        assert least <= wait_s <= least * 1.25


async def test_nobody_waits_for_the_busy_where_another_has_spoken() -> None:
    first, second = ScriptedModel([BUSY]), ScriptedModel([REFUSED], name="second")
    assert await Writing([first, second])(*pieces(1)) == [Unwritten("refused", None)]


async def test_what_was_bought_before_is_adopted_and_not_bought_again() -> None:
    events = pieces(2)
    earlier = Captions(source=CaptionSource.MODEL, hooks=("earlier",), attempt_id="a-7")
    done = AttemptAnswer(answer="done", attempt_id="a-7", captions=earlier)
    model = ScriptedModel()
    writing = Writing([model], RecordingAttempts({events[0].piece_id: [done]}))
    adopted, bought = await writing(*events)
    assert adopted == earlier
    assert isinstance(bought, Captions)
    assert model.asked == [["p2"]]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (AttemptAnswer(answer="no", reason="spent"), Unwritten),
        (AttemptAnswer(answer="no", reason="cancelled"), GiveUp),
        (AttemptAnswer(answer="no", reason="ended"), GiveUp),
        (AttemptAnswer(answer="wait", after_s=9), TryLater),
        (TryLater("nobody answers"), TryLater),
    ],
)
async def test_without_leave_nobody_is_called(answer: AttemptAnswer, outcome: type) -> None:
    events, model = pieces(1), ScriptedModel()
    writing = Writing([model], RecordingAttempts({events[0].piece_id: [answer] * 9}))
    (told,) = await writing(*events)
    assert isinstance(told, outcome)
    assert model.asked == []
    assert writing.writers[0].breaker.state is State.CLOSED


async def test_what_is_blocked_is_dropped_and_the_spare_one_stands_in() -> None:
    writing = Writing([ScriptedModel()], screen=OpenScreen(("Caption 1 of p1",)))
    (outcome,) = await writing(*pieces(1))
    assert [text.split(" of ")[0] for text in written(outcome).hooks] == [
        "Caption 0",
        "Caption 2",
        "Caption 3",
        "Caption 4",
        "Caption 5",
    ]
    assert writing.attempts.settled[0].captions == outcome


async def test_who_has_nothing_left_gets_written_captions_and_no_second_call() -> None:
    model, events = ScriptedModel(), pieces(2)
    writing = Writing([model], screen=OpenScreen(("of p1,",)))
    blocked, fine = await writing(*events)
    assert blocked == Unwritten("blocked")
    assert isinstance(fine, Captions)
    assert len(model.asked) == 1
    settled = {each.piece_id: each for each in writing.attempts.settled}[events[0].piece_id]
    assert settled.outcome == "succeeded"
    assert settled.captions is not None
    assert (settled.captions.hooks, settled.captions.instead_of) == ((), "blocked")


async def test_nothing_is_bought_while_the_screen_is_away() -> None:
    model = ScriptedModel()
    writing = Writing([model], screen=OpenScreen(away=[True]))
    (outcome,) = await writing(*pieces(1))
    assert isinstance(outcome, TryLater)
    assert (model.asked, writing.attempts.opened) == ([], [])


async def test_who_speaks_in_a_blocked_way_gets_written_captions_unbought() -> None:
    model = ScriptedModel()
    writing = Writing([model], screen=OpenScreen(("like a child",)))
    outcomes = await writing(*pieces(2, personality_tone="like a child"))
    assert outcomes == [Unwritten("blocked")] * 2
    assert model.asked == []


async def test_what_was_bought_as_the_screen_went_away_is_paid_untold_and_taken_up_later() -> None:
    model, events = ScriptedModel(), pieces(2)
    writing = Writing([model], screen=OpenScreen(away=[False, True]))
    assert all(isinstance(each, TryLater) for each in await writing(*events))
    settled = {each.piece_id: each for each in writing.attempts.settled}
    for event in events:
        captions = settled[event.piece_id].captions
        assert captions is not None
        assert captions.hooks == ()
        attempt_id = settled[event.piece_id].attempt_id
        done = AttemptAnswer(answer="done", attempt_id=attempt_id, captions=captions)
        writing.attempts.answers[event.piece_id] = [done, done]
    outcomes = [written(each) for each in await writing(*events)]
    assert [len(each.hooks) for each in outcomes] == [5, 5]
    assert len(model.asked) == 1
    # Another process knows nothing of them.
    assert await Writing([model], writing.attempts)(*events) == [Unwritten("unavailable")] * 2


async def test_a_settlement_is_insisted_on() -> None:
    writing = Writing([ScriptedModel()], RecordingAttempts(settle_failures=3))
    (outcome,) = await writing(*pieces(1))
    assert isinstance(outcome, Captions)
    assert len(writing.attempts.settled) == 1


async def test_what_cannot_be_put_on_record_does_not_go_on() -> None:
    writing = Writing([ScriptedModel()], RecordingAttempts(settle_failures=99))
    late = [event.model_copy(update={"deadline_at": event.accepted_at}) for event in pieces(1)]
    (outcome,) = await writing(*late)
    assert isinstance(outcome, TryLater)


async def test_a_bug_is_everybodys_own_and_buys_nothing_again() -> None:
    def bug(_: object) -> object:
        raise ZeroDivisionError

    model = ScriptedModel([bug])  # type: ignore[list-item]
    outcomes = await Writing([model])(*pieces(3))
    assert all(isinstance(each, ZeroDivisionError) for each in outcomes)
    assert len(model.asked) == 1


async def test_a_small_screen_is_never_shown_what_was_not_asked_for() -> None:
    foreign = answered(well_done("p1"), well_done("p9"))
    writing = Writing([ScriptedModel([foreign])])
    await writing(*pieces(1))
    assert not any("p9" in text for text in writing.screen.seen)
