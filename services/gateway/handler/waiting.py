"""Wait for a task to end, without losing it when the wait is longer than the patience."""

import asyncio
from collections.abc import Awaitable, Callable

from services.gateway.handler.door import Door
from shared.calls import GET_TASK, TaskRef, TaskState, TaskView
from shared.outcomes import TryLater
from shared.problems import Problem

ENDED = frozenset({TaskState.COMPLETED, TaskState.FAILED, TaskState.CANCELLED})
_LONGEST_LOOK_S = 5.0


async def wait_for_end(
    door: Door, task: TaskRef, heard: asyncio.Event, is_gone: Callable[[], Awaitable[bool]]
) -> TaskView:
    """The ended task. Raises Problem 504 when patience, the client or this process ends first."""
    clock = asyncio.get_running_loop().time
    give_up_at = clock() + door.generate_timeout_s
    while True:
        await _listen(heard, min(door.look_every_s, max(0.0, give_up_at - clock())))
        view = await _look(door, task, limit_s=max(1.0, give_up_at - clock()))
        if view is not None and view.state in ENDED:
            return view
        if clock() >= give_up_at or door.completions.is_stopping or await is_gone():
            detail = "Not finished while we waited. The work goes on under its own address."
            raise Problem(504, "wait_elapsed", detail)
        heard.clear()


async def _listen(heard: asyncio.Event, patience_s: float) -> None:
    try:
        await asyncio.wait_for(heard.wait(), patience_s)
    except TimeoutError:
        return  # then we look for ourselves


async def _look(door: Door, task: TaskRef, *, limit_s: float) -> TaskView | None:
    try:
        return await door.ask(GET_TASK, task, timeout_s=min(limit_s, _LONGEST_LOOK_S))
    except TryLater:
        # The task is accepted and safe; whoever answers may be back before our patience ends.
        return None
