"""Says on stderr what takes its time."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

_EVERY_S = 5.0


class Progress:
    """One line for each thing that is begun, and one now and then while it lasts."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._said_at = 0.0

    def begin(self, what: str) -> None:
        """Say what begins."""
        self._say(what)

    def tick(self, what: str) -> None:
        """Say how far it is, unless something was said a moment ago."""
        if time.monotonic() - self._said_at >= _EVERY_S:
            self._say(f"  {what}")

    @asynccontextmanager
    async def watching(self, count: Callable[[], int], *, of: int) -> AsyncIterator[None]:
        """Say from time to time how many of so many there are, until the block ends."""
        watch = asyncio.create_task(self._watch(count, of))
        try:
            yield
        finally:
            watch.cancel()

    async def _watch(self, count: Callable[[], int], of: int) -> None:
        before, at = count(), time.monotonic()
        while True:
            await asyncio.sleep(_EVERY_S)
            now, moment = count(), time.monotonic()
            self._say(f"  {now:,} of {of:,}, {(now - before) / (moment - at):.0f} a second")
            before, at = now, moment

    def _say(self, what: str) -> None:
        self._said_at = time.monotonic()
        sys.stderr.write(f"{self._said_at - self._began:6.0f} s  {what}\n")
        sys.stderr.flush()
