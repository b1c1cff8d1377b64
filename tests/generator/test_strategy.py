"""In which order providers are asked."""

from hypothesis import given
from hypothesis import strategies as st

from services.generator.domain.strategy import Candidate, Strategy, in_order
from services.generator.domain.track import ENOUGH_CALLS, Measured, Track

UNKNOWN = Measured(0, 0.0, None)


def candidate(
    name: str,
    *,
    price: int = 10_000,
    rate: float | None = None,
    median_s: float | None = None,
    keeps_likeness: bool = True,
    rounds: int = 1,
) -> Candidate:
    measured = UNKNOWN if rate is None else Measured(20, rate, median_s)
    return Candidate(name, price, measured, keeps_likeness, rounds)


def names(candidates: list[Candidate], strategy: Strategy) -> list[str]:
    return [one.name for one in in_order(candidates, strategy)]


def test_ordered_keeps_the_order_of_the_settings() -> None:
    given_order = [candidate("dear", price=9), candidate("cheap", price=1)]
    assert names(given_order, Strategy.ORDERED) == ["dear", "cheap"]


def test_the_cheapest_image_is_not_that_of_the_cheapest_call() -> None:
    # Every second call of the cheap one fails: an image costs two of them.
    flaky = candidate("flaky", price=6_000, rate=0.5, median_s=1)
    sound = candidate("sound", price=10_000, rate=1.0, median_s=1)
    assert names([flaky, sound], Strategy.COST_OPTIMIZED) == ["sound", "flaky"]


def test_the_fastest_is_the_one_with_the_image_first() -> None:
    quick = candidate("quick", rate=0.4, median_s=4)
    steady = candidate("steady", rate=1.0, median_s=8)
    assert names([quick, steady], Strategy.LATENCY_OPTIMIZED) == ["steady", "quick"]


def test_a_queue_counts_as_time() -> None:
    busy = candidate("busy", rate=1.0, median_s=5, rounds=3)
    free = candidate("free", rate=1.0, median_s=8)
    assert names([busy, free], Strategy.LATENCY_OPTIMIZED) == ["free", "busy"]


def test_who_was_never_measured_gets_its_turn_and_who_never_delivers_comes_last() -> None:
    known = candidate("known", rate=0.9, median_s=3)
    dead = candidate("dead", rate=0.0, median_s=None)
    new = candidate("new")
    assert names([dead, known, new], Strategy.LATENCY_OPTIMIZED) == ["new", "known", "dead"]


def test_no_price_and_no_speed_is_worth_the_avatars_likeness() -> None:
    faceless = candidate("faceless", price=0, rate=1.0, median_s=0.1, keeps_likeness=False)
    slow = candidate("slow", price=50_000, rate=0.5, median_s=60)
    for strategy in (Strategy.COST_OPTIMIZED, Strategy.LATENCY_OPTIMIZED):
        assert names([faceless, slow], strategy) == ["slow", "faceless"]


candidates = st.lists(
    st.builds(
        Candidate,
        name=st.uuids().map(str),
        price_usd_micros=st.integers(0, 10**6),
        measured=st.builds(
            Measured,
            st.integers(0, 50),
            st.floats(0, 1),
            st.none() | st.floats(0.001, 600),
        ),
        keeps_likeness=st.booleans(),
        rounds=st.integers(1, 9),
    ),
    max_size=6,
)


@given(given_order=candidates, strategy=st.sampled_from(Strategy))
def test_nobody_is_lost_and_nobody_is_asked_twice(
    given_order: list[Candidate], strategy: Strategy
) -> None:
    assert sorted(names(given_order, strategy)) == sorted(one.name for one in given_order)


class Clock:
    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def test_a_track_tells_rate_and_median_of_what_is_young() -> None:
    clock = Clock()
    track = Track(clock)
    track.failed()
    clock.at = 1_000
    for duration_s in (1.0, 2.0, 9.0):
        track.succeeded(duration_s)
    track.failed()
    assert track.measured == Measured(4, 0.75, 2.0)


def test_what_others_measured_counts_until_there_are_enough_calls_of_our_own() -> None:
    track = Track(Clock())
    track.seen_elsewhere(Measured(500, 0.9, 7.0))
    for _ in range(ENOUGH_CALLS - 1):
        track.succeeded(1.0)
    assert track.measured.median_s == 7.0
    track.succeeded(1.0)
    assert track.measured == Measured(ENOUGH_CALLS, 1.0, 1.0)


def test_too_few_calls_tell_nothing() -> None:
    assert Measured(ENOUGH_CALLS - 1, 1.0, 1.0).expected_s is None
    assert Measured(ENOUGH_CALLS, 0.5, 3.0).expected_s == 6.0
