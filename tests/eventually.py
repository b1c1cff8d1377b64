"""Wait on conditions instead of sleeping."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable

POLL_INTERVAL_S = 0.01


async def eventually(
    predicate: Callable[[], object] | Callable[[], Awaitable[object]],
    timeout_s: float = 5.0,
    *,
    every_s: float = POLL_INTERVAL_S,
) -> None:
    """Return as soon as `predicate` is truthy; fail with its name after `timeout_s`.

    The predicate may be a function or a coroutine function; what it raises is the test's failure.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    while True:
        outcome = predicate()
        if inspect.isawaitable(outcome):
            outcome = await outcome
        if outcome:
            return
        if loop.time() > deadline:
            what = inspect.getsource(predicate).strip()
            raise AssertionError(f"not within {timeout_s} s: {what}")
        await asyncio.sleep(every_s)
