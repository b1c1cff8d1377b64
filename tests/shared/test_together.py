"""What many ask for at the same time is done in one go."""

import asyncio
from collections.abc import Sequence
from itertools import chain

import pytest

from shared.outcomes import TryLater
from shared.together import Together
from tests.eventually import PATIENCE_S


class Goes:
    """Remembers each go; numbers below zero are at fault, a hundred is for later."""

    def __init__(self, take_s: float = 0.0) -> None:
        self.goes: list[list[int]] = []
        self.take_s = take_s

    async def __call__(self, items: Sequence[int]) -> list[int]:
        self.goes.append(list(items))
        await asyncio.sleep(self.take_s)
        if 100 in items:
            raise TryLater("away")
        if any(item < 0 for item in items):
            raise ValueError
        return [item * 2 for item in items]


async def test_one_alone_does_not_wait_for_company() -> None:
    goes = Goes()
    await Together(goes)(1)
    assert goes.goes == [[1]]


async def test_what_comes_meanwhile_goes_together() -> None:
    goes = Goes()
    together = Together(goes, most=4)
    await asyncio.gather(*(together(number) for number in range(10)))
    assert list(chain(*goes.goes)) == list(range(10))
    assert max(map(len, goes.goes)) == 4
    assert len(goes.goes) <= 4


async def test_who_lingers_takes_along_what_comes_a_little_later() -> None:
    goes = Goes()
    together = Together(goes, linger_s=0.3)
    first = asyncio.create_task(together(1))
    for _ in range(5):
        await asyncio.sleep(0)
    assert list(await asyncio.gather(first, together(2))) == [2, 4]
    assert goes.goes == [[1, 2]]


async def test_who_comes_soon_after_a_long_go_waits_for_others_who_do() -> None:
    goes = Goes(take_s=0.05)
    together = Together(goes, rest_s=0.3)
    await together(1)
    soon = asyncio.create_task(together(2))
    for _ in range(5):
        await asyncio.sleep(0)
    await asyncio.gather(soon, together(3))
    assert goes.goes == [[1], [2, 3]]


async def test_after_a_short_go_the_rest_is_short() -> None:
    goes = Goes()
    together = Together(goes, rest_s=3600)
    for number in (1, 2):
        await asyncio.wait_for(together(number), PATIENCE_S)
    assert goes.goes == [[1], [2]]


async def test_a_go_that_is_full_waits_for_nobody() -> None:
    goes = Goes()
    together = Together(goes, most=2, linger_s=3600)
    await asyncio.wait_for(asyncio.gather(together(1), together(2)), PATIENCE_S)
    assert goes.goes == [[1, 2]]


async def test_one_at_fault_fails_alone() -> None:
    together = Together(Goes())
    results = await asyncio.gather(
        *(together(number) for number in (1, -1, 2)), return_exceptions=True
    )
    assert results[0] == 2
    assert isinstance(results[1], ValueError)
    assert results[2] == 4


async def test_an_act_that_forgets_an_item_leaves_nobody_waiting() -> None:
    async def forgetful(items: Sequence[int]) -> list[int]:
        return list(items[1:])

    with pytest.raises(ValueError):
        await Together(forgetful)(1)


async def test_what_must_wait_is_not_tried_one_by_one() -> None:
    goes = Goes()
    together = Together(goes)
    results = await asyncio.gather(
        *(together(number) for number in (1, 100, 2)), return_exceptions=True
    )
    assert all(isinstance(each, TryLater) for each in results)
    assert len(goes.goes) == 1


async def test_somebody_who_gives_up_waiting_harms_nobody() -> None:
    together = Together(Goes())
    waiting = [asyncio.create_task(together(number)) for number in range(3)]
    await asyncio.sleep(0)
    waiting[1].cancel()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [results[0], results[2]] == [0, 4]
    assert isinstance(results[1], asyncio.CancelledError)
    with pytest.raises(ValueError):
        await together(-1)
