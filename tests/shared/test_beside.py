"""Work beside a block: begun at once, waited for where it is needed, never left behind."""

import asyncio
import gc
from dataclasses import dataclass, field

import pytest

from shared.beside import beside


@dataclass
class Work:
    """Takes until it may end, and remembers how far it came."""

    may_end: asyncio.Event = field(default_factory=asyncio.Event)
    steps: list[str] = field(default_factory=list)

    async def __call__(self) -> str:
        self.steps.append("begun")
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.steps.append("dropped")
            raise
        self.steps.append("ended")
        return "what came of it"


async def fails() -> None:
    raise ValueError("of the work")


async def test_the_block_goes_on_while_the_work_does_and_gets_what_comes_of_it() -> None:
    work = Work()
    async with beside(work()) as outcome:
        assert work.steps == ["begun"]
        work.may_end.set()
        assert await outcome == "what came of it"


async def test_work_that_nobody_waited_for_has_ended_when_the_block_has() -> None:
    work = Work()
    with pytest.raises(LookupError):
        async with beside(work()):
            raise LookupError("of the block")
    assert work.steps == ["begun", "dropped"]


async def test_how_work_failed_is_raised_where_it_is_waited_for() -> None:
    with pytest.raises(ValueError, match="of the work"):
        async with beside(fails()) as outcome:
            await outcome


async def test_how_work_failed_that_nobody_waited_for_is_no_news() -> None:
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    async with beside(fails()):
        pass
    gc.collect()
    await asyncio.sleep(0)
    assert told == []


async def test_who_leaves_the_block_takes_the_work_along() -> None:
    work = Work()

    async def block() -> None:
        async with beside(work()) as outcome:
            await outcome

    leaving = asyncio.create_task(block())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert work.steps == ["begun", "dropped"]
