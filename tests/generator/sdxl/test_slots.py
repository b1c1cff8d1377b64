"""Slots: held by count, given away when idle, least recently used first."""

from hypothesis import given
from hypothesis import strategies as st

from services.generator.sdxl.slots import Slot, Slots


def taken(slots: Slots, key: str) -> Slot:
    slot = slots.take(key)
    assert slot is not None
    slot.filled = True
    return slot


def test_one_lora_is_in_one_slot_for_all_who_hold_it() -> None:
    slots = Slots(2)
    assert taken(slots, "a") is taken(slots, "a")
    assert (slots.hits, slots.misses, slots.held) == (1, 1, 1)


def test_the_least_recently_used_idle_one_makes_room() -> None:
    slots = Slots(2)
    first, second = taken(slots, "a"), taken(slots, "b")
    slots.give(first)
    slots.give(second)
    slots.give(taken(slots, "a"))
    assert taken(slots, "c").number == second.number
    assert slots.evictions == 1
    assert taken(slots, "a") is first


def test_what_is_held_never_makes_room() -> None:
    slots = Slots(1)
    held = taken(slots, "a")
    assert slots.take("b") is None
    slots.give(held)
    assert slots.take("b") is not None


def test_weights_that_never_came_are_forgotten() -> None:
    slots = Slots(1)
    slot = slots.take("a")
    assert slot is not None
    slots.give(slot)
    again = slots.take("a")
    assert again is not None
    assert again is not slot
    assert (again.filled, slots.misses) == (False, 2)


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.booleans()), max_size=60))
def test_no_two_loras_are_ever_in_one_slot(moves: list[tuple[str, bool]]) -> None:
    slots = Slots(3)
    holders: dict[str, list[Slot]] = {}
    for key, takes in moves:
        if takes and (slot := slots.take(key)) is not None:
            slot.filled = True
            holders.setdefault(key, []).append(slot)
        elif not takes and holders.get(key):
            slots.give(holders[key].pop())
        held = {key: some for key, some in holders.items() if some}
        assert all(slot.key == key for key, some in held.items() for slot in some)
        numbers = [some[0].number for some in held.values()]
        assert len(set(numbers)) == len(numbers)
        assert 0 not in numbers
        assert slots.held == len(held)
