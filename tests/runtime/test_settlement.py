"""What becomes of a message after a failure: total, bounded, and never beyond the deadline."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.outcomes import GiveUp, TryLater
from shared.settlement import (
    BUG_RETRIES,
    SHORTEST_DELAY_S,
    Bury,
    Halt,
    Retry,
    Settlement,
    backoff_s,
    settle_failure,
)

NOW = datetime(2031, 1, 1, tzinfo=UTC)
SLACK_S = 0.11

wishes = st.one_of(st.none(), st.floats())  # infinity, nothing, less than nothing and no number too
failures = st.one_of(
    st.builds(lambda after: TryLater("busy", after=after), wishes),
    st.builds(GiveUp, st.just("invalid_prompt")),
    st.sampled_from([ValueError("x"), TimeoutError(), KeyError("x"), ConnectionError()]),
)
deliveries = st.integers(min_value=0, max_value=10**6)
jitters = st.floats(min_value=0, max_value=1)
time_left = st.floats(min_value=-1000, max_value=10_000)


def settle(
    exc: Exception, *, left_s: float | None = 60, count: int = 1, bugs: int = 1, jitter: float = 0.5
) -> Settlement:
    return settle_failure(
        exc,
        deliveries=count,
        failures=bugs,
        now=NOW,
        deadline_at=None if left_s is None else NOW + timedelta(seconds=left_s),
        jitter=jitter,
    )


@given(failures, st.one_of(st.none(), time_left), deliveries, deliveries, jitters)
def test_every_failure_is_settled_and_no_delay_is_hot_or_endless(
    exc: Exception, left_s: float | None, count: int, bugs: int, jitter: float
) -> None:
    settlement = settle(exc, left_s=left_s, count=count, bugs=bugs, jitter=jitter)
    assert isinstance(settlement, Retry | Halt | Bury)
    if isinstance(settlement, Retry):
        assert SHORTEST_DELAY_S <= settlement.after_s <= 3600


@given(failures, time_left, deliveries, deliveries, jitters)
def test_a_bounded_step_never_waits_beyond_its_deadline(
    exc: Exception, left_s: float, count: int, bugs: int, jitter: float
) -> None:
    settlement = settle(exc, left_s=left_s, count=count, bugs=bugs, jitter=jitter)
    if isinstance(settlement, Retry):
        assert left_s > 0
        assert settlement.after_s <= left_s + SLACK_S
    assert not isinstance(settlement, Bury)


@given(wishes, deliveries, jitters)
def test_a_step_that_records_waits_for_ever(after: float | None, count: int, jitter: float) -> None:
    exc = TryLater("database", after=after)
    assert isinstance(settle(exc, left_s=None, count=count, jitter=jitter), Retry)


@given(failures, deliveries, deliveries)
def test_a_step_that_records_never_halts_a_piece(exc: Exception, count: int, bugs: int) -> None:
    assert not isinstance(settle(exc, left_s=None, count=count, bugs=bugs), Halt)


@given(deliveries, jitters)
def test_backoff_grows_and_stays_within_its_bounds(count: int, jitter: float) -> None:
    now, later = backoff_s(count, jitter=jitter), backoff_s(count + 1, jitter=jitter)
    assert 0.25 <= now <= later <= 30.0


def test_jitter_spreads_the_upper_half() -> None:
    assert backoff_s(3, jitter=0) == backoff_s(3, jitter=1) / 2


@pytest.mark.parametrize(("bugs", "ends"), [(1, False), (BUG_RETRIES - 1, False), (5, True)])
def test_a_bug_ends_after_a_few_attempts(bugs: int, ends: bool) -> None:
    assert isinstance(settle(ValueError(), bugs=bugs), Halt) is ends
    assert isinstance(settle(ValueError(), bugs=bugs, left_s=None), Bury) is ends


def test_waiting_ends_at_the_deadline_with_the_last_reason() -> None:
    assert settle(TryLater("provider busy"), left_s=0) == Halt("deadline", "provider busy")


def test_a_wish_is_granted() -> None:
    assert settle(TryLater("429", after=7)) == Retry(7)


def test_a_wish_beyond_the_deadline_is_cut_to_it() -> None:
    settlement = settle(TryLater("429", after=600), left_s=20)
    assert isinstance(settlement, Retry)
    assert settlement.after_s == pytest.approx(20.1)
