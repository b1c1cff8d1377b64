"""Who is next: lanes, sizes, and how many at once. Pure rules."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.generator.sdxl.canvas import Canvas
from services.generator.sdxl.ceilings import PATIENCE, Ceilings, Memory
from services.generator.sdxl.lanes import BULK_EVERY, Line
from services.generator.sdxl.turns import BULK_STEPS, INTERACTIVE_STEPS, Turns
from shared.content import Lane

SMALL, LARGE = Canvas(512, 512, guided=True), Canvas(1024, 1024, guided=True)


@dataclass(eq=False)
class Waiter:
    lane: Lane
    number: int


def test_interactive_goes_before_bulk_that_came_earlier() -> None:
    line: Line[Waiter] = Line()
    bulk, interactive = Waiter(Lane.BULK, 1), Waiter(Lane.INTERACTIVE, 2)
    line.add(bulk)
    line.add(interactive)
    assert list(line) == [interactive, bulk]


@given(st.lists(st.sampled_from([Lane.BULK, Lane.INTERACTIVE, None]), max_size=80))
def test_each_lane_keeps_its_order_and_bulk_never_starves(moves: list[Lane | None]) -> None:
    line: Line[Waiter] = Line()
    last = dict.fromkeys(Lane, 0)
    passed = 0
    for number, lane in enumerate(moves, start=1):
        if lane is not None:
            line.add(Waiter(lane, number))
            continue
        waiting = list(line)
        if not waiting:
            continue
        line.seat(waiting[0])
        assert waiting[0].number > last[waiting[0].lane]
        last[waiting[0].lane] = waiting[0].number
        overtook = waiting[0].lane is not Lane.BULK and any(
            one.lane is Lane.BULK for one in waiting
        )
        passed = passed + 1 if overtook else 0
        assert passed < BULK_EVERY


def test_whoever_leaves_is_not_next() -> None:
    line: Line[Waiter] = Line()
    waiters = [Waiter(Lane.BULK, number) for number in range(3)]
    for waiter in waiters:
        line.add(waiter)
    line.leave(waiters[0])
    line.add(waiters[0], first=True)
    line.leave(waiters[1])
    assert [waiter.number for waiter in line] == [0, 2]


def test_one_size_takes_every_step() -> None:
    turns = Turns()
    assert {turns.next({LARGE: True}) for _ in range(20)} == {LARGE}


def test_sizes_take_turns_and_bulk_has_the_shorter_ones() -> None:
    turns = Turns()
    order = [turns.next({SMALL: True, LARGE: False}) for _ in range(10)]
    round_of_turns = [SMALL] * INTERACTIVE_STEPS + [LARGE] * BULK_STEPS
    assert order == [*round_of_turns, *round_of_turns]


def test_a_size_that_ended_is_not_waited_for() -> None:
    turns = Turns()
    assert turns.next({SMALL: True, LARGE: True}) == SMALL
    assert turns.next({LARGE: True}) == LARGE


@settings(max_examples=30)
@given(st.lists(st.sets(st.integers(0, 4), min_size=1), min_size=30, max_size=60))
def test_no_size_waits_longer_than_one_turn_of_each_other(rounds: list[set[int]]) -> None:
    turns, waited = Turns(), dict.fromkeys(range(5), 0)
    for sizes in rounds:
        under_way = {Canvas(64 * (size + 1), 64, guided=True): size % 2 == 0 for size in sizes}
        chosen = turns.next(under_way)
        assert chosen in under_way
        for size in range(5):
            here = Canvas(64 * (size + 1), 64, guided=True)
            waited[size] = waited[size] + 1 if here in under_way and here != chosen else 0
            assert waited[size] <= 4 * INTERACTIVE_STEPS


def test_memory_allows_fewer_of_a_larger_size() -> None:
    memory = Memory(room_bytes=10 * 2**30, row_bytes_per_pixel=1024, decoding_bytes_per_pixel=2048)
    assert memory.samples(LARGE) == 4
    assert memory.samples(Canvas(1024, 1024, guided=False)) == 8
    assert memory.samples(Canvas(4096, 4096, guided=True)) == 1
    assert Ceilings(8, memory).of(LARGE) == 4
    assert Ceilings(2, memory).of(LARGE) == 2


def test_only_the_setting_counts_where_memory_is_not_counted() -> None:
    assert Ceilings(8).of(LARGE) == 8


def test_out_of_memory_halves_and_patience_restores() -> None:
    ceilings = Ceilings(4)
    ceilings.ran_out(LARGE, 4)
    assert (ceilings.of(LARGE), ceilings.of(SMALL)) == (2, 4)
    ceilings.ran_out(LARGE, 1)
    assert ceilings.of(LARGE) == 1
    for expected in (2, 3, 4, 4):
        for _ in range(PATIENCE):
            ceilings.went_well(LARGE)
        assert ceilings.of(LARGE) == expected


@pytest.mark.parametrize("samples", [1, 2, 7])
def test_one_may_always_be_tried(samples: int) -> None:
    ceilings = Ceilings(8)
    for _ in range(5):
        ceilings.ran_out(SMALL, samples)
        samples = ceilings.of(SMALL)
    assert ceilings.of(SMALL) == 1
