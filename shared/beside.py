"""Work that goes on beside other work."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

T = TypeVar("T")


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, T]) -> AsyncIterator[asyncio.Task[T]]:
    """Begin `work`, then the block, which waits for what comes of it when it needs it, or never.

    Nothing of the work goes on after the block. How it failed is no news unless it was waited for.
    """
    task = asyncio.create_task(work)
    try:
        # A block that has much to do before it waits for anything would keep the work from it.
        await asyncio.sleep(0)
        yield task
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
        if not task.cancelled():
            task.exception()
