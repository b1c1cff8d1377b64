"""Wait on conditions instead of sleeping."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable

POLL_INTERVAL_S = 0.01
# For what takes milliseconds on an idle machine: a busy one is slow, and no reason to fail.
PATIENCE_S = 60.0


async def eventually(
    predicate: Callable[[], object] | Callable[[], Awaitable[object]],
    timeout_s: float = PATIENCE_S,
    *,
    every_s: float = POLL_INTERVAL_S,
) -> None:
    """Return as soon as `predicate` is truthy; fail with its name after `timeout_s`.

    Looks every `every_s`, and less often the longer it takes.

    The predicate may be a function or a coroutine function; what it raises is the test's failure.
    """
    loop = asyncio.get_running_loop()
    deadline, pause_s = loop.time() + timeout_s, every_s
    while True:
        outcome = predicate()
        if inspect.isawaitable(outcome):
            outcome = await outcome
        if outcome:
            return
        if loop.time() > deadline:
            what = inspect.getsource(predicate).strip()
            raise AssertionError(f"not within {timeout_s} s: {what}")
        await asyncio.sleep(pause_s)
        pause_s = min(1.1 * pause_s, 10 * every_s)
