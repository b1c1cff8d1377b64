"""So many calls at a time; whoever has somebody waiting goes first."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Slots:
    """A semaphore with two queues: the first one is served before the other."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.busy = 0
        self._first: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()

    @property
    def rounds(self) -> int:
        """How many calls one after the other it takes until one more has been made."""
        return 1 + (self.busy + self._waiting) // self.size

    @property
    def _waiting(self) -> int:
        return sum(not one.done() for queue in (self._first, self._others) for one in queue)

    @asynccontextmanager
    async def taken(self, *, first: bool) -> AsyncIterator[None]:
        """Hold a slot."""
        await self._take(self._first if first else self._others)
        try:
            yield
        finally:
            self._free()

    async def _take(self, queue: deque[asyncio.Future[None]]) -> None:
        if self.busy < self.size and not self._waiting:
            self.busy += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            # The turn may have come at the very moment of the cancellation.
            if turn.done() and not turn.cancelled():
                self._free()
            raise

    def _free(self) -> None:
        for queue in (self._first, self._others):
            while queue:
                turn = queue.popleft()
                if not turn.done():
                    turn.set_result(None)  # the slot changes hands
                    return
        self.busy -= 1
