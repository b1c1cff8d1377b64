"""The breaker: opens after failures in a row, and after a pause tries one call at a time."""

from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from shared.breaker import FAILURES, PAUSE_S, Admission, Breaker, State


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def admitted(breaker: Breaker) -> Admission:
    admission = breaker.admit()
    assert admission is not None
    return admission


def opened(clock: Clock) -> Breaker:
    breaker = Breaker(clock)
    for _ in range(FAILURES):
        admitted(breaker).failed()
    return breaker


def test_opens_after_five_failures_in_a_row_and_not_before() -> None:
    breaker = Breaker(Clock())
    for _ in range(FAILURES - 1):
        admitted(breaker).failed()
    assert breaker.state is State.CLOSED
    admitted(breaker).failed()
    assert breaker.wait_s == PAUSE_S
    assert breaker.admit() is None


def test_one_answer_among_failures_begins_the_count_anew() -> None:
    breaker = Breaker(Clock())
    for _ in range(3):
        for _ in range(FAILURES - 1):
            admitted(breaker).failed()
        admitted(breaker).succeeded()
    assert breaker.state is State.CLOSED


def test_lets_one_probe_through_after_a_minute() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += PAUSE_S - 0.001
    assert breaker.admit() is None
    clock.now += 0.001
    assert breaker.state is State.HALF_OPEN
    admitted(breaker)
    assert breaker.state is State.HALF_OPEN
    assert breaker.admit() is None


def test_a_probe_that_is_answered_closes_it_and_one_that_fails_opens_it_again() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += PAUSE_S
    admitted(breaker).failed()
    assert (breaker.state, breaker.wait_s) == (State.OPEN, PAUSE_S)
    clock.now += PAUSE_S
    admitted(breaker).succeeded()
    assert breaker.state is State.CLOSED


def test_a_probe_that_was_cut_off_leaves_its_place_to_the_next() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += PAUSE_S
    admitted(breaker).dropped()
    admitted(breaker).succeeded()
    assert breaker.state is State.CLOSED


def test_a_probe_that_never_tells_does_not_keep_it_shut_for_good() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += PAUSE_S
    lost = admitted(breaker)
    clock.now += PAUSE_S
    probe = admitted(breaker)
    lost.succeeded()
    assert breaker.state is State.HALF_OPEN
    probe.succeeded()
    assert breaker.admit() is not None
    assert breaker.admit() is not None


def test_what_was_begun_before_it_opened_neither_closes_nor_prolongs_it() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    early, late = admitted(breaker), admitted(breaker)
    for _ in range(FAILURES):
        admitted(breaker).failed()
    clock.now += 10
    early.succeeded()
    late.failed()
    assert (breaker.state, breaker.wait_s) == (State.OPEN, PAUSE_S - 10)


def test_only_the_first_word_about_a_call_counts() -> None:
    breaker = Breaker(Clock())
    call = admitted(breaker)
    for _ in range(FAILURES):
        call.failed()
    assert breaker.state is State.CLOSED


@dataclass(eq=False)
class Call:
    admission: Admission
    begun_at: float
    is_probe: bool


class AnyUse(RuleBasedStateMachine):
    """Whatever is done to it, in any order."""

    calls = Bundle("calls")

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.breaker = Breaker(self.clock, failures=3, pause_s=10)
        self.probing: list[Call] = []

    @rule(target=calls)
    def call(self) -> object:
        before, wait_s = self.breaker.state, self.breaker.wait_s
        admission = self.breaker.admit()
        assert (admission is None) is (wait_s > 0)
        if admission is None:
            return multiple()
        call = Call(admission, self.clock.now, is_probe=before is State.HALF_OPEN)
        if call.is_probe:
            assert all(self.clock.now - other.begun_at >= 10 for other in self.probing)
            self.probing.append(call)
        return call

    @rule(call=consumes(calls))
    def is_answered(self, call: Call) -> None:
        was_closed = self.is_closed
        call.admission.succeeded()
        assert self.is_closed or not was_closed
        assert was_closed or call.is_probe or not self.is_closed
        self.forget(call)

    @rule(call=consumes(calls))
    def fails(self, call: Call) -> None:
        was_closed = self.is_closed
        call.admission.failed()
        assert was_closed or not self.is_closed
        self.forget(call)

    @rule(call=consumes(calls))
    def is_cut_off(self, call: Call) -> None:
        was_closed = self.is_closed
        call.admission.dropped()
        assert self.is_closed is was_closed
        self.forget(call)

    @rule(seconds=st.integers(0, 30))
    def time_passes(self, seconds: int) -> None:
        self.clock.now += seconds

    @property
    def is_closed(self) -> bool:
        return self.breaker.state is State.CLOSED

    def forget(self, call: Call) -> None:
        self.probing = [other for other in self.probing if other is not call]

    @invariant()
    def nobody_waits_longer_than_the_pause(self) -> None:
        assert 0 <= self.breaker.wait_s <= 10
        assert self.breaker.state is not State.OPEN or self.breaker.wait_s > 0
        assert not self.is_closed or self.breaker.wait_s == 0


TestAnyUse = AnyUse.TestCase
