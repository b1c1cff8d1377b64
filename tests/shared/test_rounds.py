"""Background work goes on, whatever a round does."""

import asyncio
from collections.abc import Awaitable, Callable

from structlog.testing import capture_logs

from shared.outcomes import TryLater
from shared.rounds import Rounds
from tests.eventually import PATIENCE_S, eventually


class Tally:
    """Counts rounds and does what it is told in each."""

    def __init__(self, act: Callable[[int], Awaitable[None]] | None = None) -> None:
        self.rounds = 0
        self._act = act

    async def __call__(self) -> None:
        self.rounds += 1
        if self._act is not None:
            await self._act(self.rounds)


async def test_a_wake_makes_the_next_round_come_at_once() -> None:
    tally, wake = Tally(), asyncio.Event()
    rounds = Rounds("test", tally, every_s=60, wake=wake)
    await rounds.start()
    await eventually(lambda: tally.rounds == 1)
    wake.set()
    await eventually(lambda: tally.rounds == 2)
    await rounds.stop()


async def test_a_round_comes_by_itself() -> None:
    tally = Tally()
    rounds = Rounds("test", tally, every_s=0.01)
    await rounds.start()
    await eventually(lambda: tally.rounds > 3)
    await rounds.stop()


async def test_a_failing_round_is_logged_and_followed_by_others_but_not_in_haste() -> None:
    async def fail(number: int) -> None:
        raise RuntimeError if number == 1 else TryLater("away")

    tally, wake = Tally(fail), asyncio.Event()
    rounds = Rounds("test", tally, every_s=0.001, wake=wake)
    with capture_logs() as logs:
        await rounds.start()
        await eventually(lambda: tally.rounds == 1)
        for _ in range(20):
            wake.set()
            await asyncio.sleep(0)
        assert tally.rounds == 1
        await eventually(lambda: tally.rounds == 2)
        await rounds.stop()
    assert [line["event"] for line in logs][:2] == ["rounds.failed", "rounds.interrupted"]


async def test_stopping_makes_a_last_round_where_one_is_wanted() -> None:
    tally = Tally()
    rounds = Rounds("test", tally, every_s=60, last_round=True)
    await rounds.start()
    await eventually(lambda: tally.rounds == 1)
    await rounds.stop()
    assert tally.rounds == 2


async def test_stopping_breaks_off_what_takes_too_long() -> None:
    async def hang(_: int) -> None:
        await asyncio.Event().wait()

    rounds = Rounds("test", Tally(hang), every_s=60)
    await rounds.start()
    async with asyncio.timeout(PATIENCE_S):
        await rounds.stop(grace_s=0.01)


async def test_stopping_makes_no_further_round_where_none_is_wanted() -> None:
    tally = Tally()
    rounds = Rounds("test", tally, every_s=60)
    await rounds.start()
    await eventually(lambda: tally.rounds == 1)
    await rounds.stop()
    assert tally.rounds == 1
