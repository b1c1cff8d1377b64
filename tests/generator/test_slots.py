"""Slots: never more calls than there are, and whoever has somebody waiting goes first."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from services.generator.handler.slots import Slots


async def hold(slots: Slots, *, first: bool, log: list[str], name: str) -> None:
    async with slots.taken(first=first):
        log.append(name)
        await asyncio.sleep(0)


async def test_who_has_somebody_waiting_goes_before_those_who_came_earlier() -> None:
    slots, log = Slots(1), list[str]()
    async with slots.taken(first=False):
        tasks = [
            asyncio.create_task(hold(slots, first=first, log=log, name=name))
            for name, first in (("bulk 1", False), ("bulk 2", False), ("caller", True))
        ]
        await asyncio.sleep(0)
        assert slots.rounds == 5
    await asyncio.gather(*tasks)
    assert log == ["caller", "bulk 1", "bulk 2"]
    assert slots.busy == 0


async def test_a_turn_that_comes_with_a_cancellation_goes_to_the_next() -> None:
    slots, log = Slots(1), list[str]()
    async with slots.taken(first=False):
        leaving = asyncio.create_task(hold(slots, first=False, log=log, name="leaving"))
        staying = asyncio.create_task(hold(slots, first=False, log=log, name="staying"))
        await asyncio.sleep(0)
    # The turn has come, nobody has been told yet.
    leaving.cancel()
    await asyncio.gather(leaving, staying, return_exceptions=True)
    assert log == ["staying"]
    assert slots.busy == 0


async def test_who_leaves_the_queue_takes_no_turn() -> None:
    slots, log = Slots(1), list[str]()
    async with slots.taken(first=False):
        leaving = asyncio.create_task(hold(slots, first=True, log=log, name="leaving"))
        staying = asyncio.create_task(hold(slots, first=False, log=log, name="staying"))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.sleep(0)
    await staying
    assert log == ["staying"]
    assert slots.busy == 0


async def settled() -> None:
    """Long enough for a turn to pass from one who leaves to the next, and for that one to begin."""
    for _ in range(6):
        await asyncio.sleep(0)


steps = st.lists(
    st.tuples(st.sampled_from(["come", "come first", "end", "cancel"]), st.integers(0, 30)),
    max_size=60,
)


@given(size=st.integers(1, 4), script=steps)
def test_whatever_happens_the_limit_holds_and_every_slot_comes_back(
    size: int, script: list[tuple[str, int]]
) -> None:
    asyncio.run(act_out(size, script))


async def act_out(size: int, script: list[tuple[str, int]]) -> None:
    slots, inside = Slots(size), set[int]()
    ends: list[asyncio.Event] = []
    tasks: list[asyncio.Task[None]] = []

    async def call(number: int, *, first: bool) -> None:
        async with slots.taken(first=first):
            inside.add(number)
            assert len(inside) <= size
            try:
                await ends[number].wait()
            finally:
                inside.discard(number)

    for action, pick in script:
        if action.startswith("come"):
            ends.append(asyncio.Event())
            first = action == "come first"
            tasks.append(asyncio.create_task(call(len(ends) - 1, first=first)))
        elif tasks and action == "end":
            ends[pick % len(ends)].set()
        elif tasks:
            tasks[pick % len(tasks)].cancel()
        await settled()
        waiting = sum(not task.done() for task in tasks) - len(inside)
        # Nobody waits beside a free slot.
        assert waiting == 0 or len(inside) == size
    for end in ends:
        end.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert slots.busy == 0
