"""Work that many want at the same time is done once."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

Work = TypeVar("Work", bound=Hashable)
Outcome = TypeVar("Outcome")


class SameWork(Generic[Work, Outcome]):
    """What is under way, by what it is."""

    def __init__(self) -> None:
        self._under_way: dict[Work, asyncio.Task[Outcome]] = {}

    async def do(
        self, work: Work, begin: Callable[[], Coroutine[Any, Any, Outcome]]
    ) -> tuple[Outcome, bool]:
        """The outcome, and whether this call began the work; others wait and get the same.

        What the work raises is raised to everybody. It goes on when those who wait leave.
        """
        task = self._under_way.get(work)
        is_first = task is None
        if task is None:
            task = asyncio.create_task(begin())
            self._under_way[work] = task
            task.add_done_callback(lambda done: self._end(work, done))
        return await asyncio.shield(task), is_first

    def _end(self, work: Work, done: asyncio.Task[Outcome]) -> None:
        del self._under_way[work]
        if not done.cancelled():
            # Somebody has looked: a failure is no news even if nobody waits any more.
            done.exception()
