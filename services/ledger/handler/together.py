"""What many ask for at the same time is done in one go."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from shared.outcomes import TryLater

T = TypeVar("T")


class Together(Generic[T]):
    """Collects items while the go before is under way; nobody waits for company.

    Whoever brings an item learns how the go with it ended. When an item is at fault, the others
    of its go are done one by one, so that it fails alone.
    """

    def __init__(self, act: Callable[[Sequence[T]], Awaitable[None]], *, most: int = 100) -> None:
        self._act = act
        self._most = most
        self._waiting: list[tuple[T, asyncio.Future[None]]] = []
        self._worker: asyncio.Task[None] | None = None

    async def __call__(self, item: T) -> None:
        """Have `item` done. Raises what doing it raised."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work(), name="together")
        await done

    async def _work(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            await self._go(batch)

    async def _go(self, batch: Sequence[tuple[T, asyncio.Future[None]]]) -> None:
        try:
            await self._act([item for item, _ in batch])
        except Exception as exc:  # noqa: BLE001 - each bringer raises it as its own
            if len(batch) > 1 and not isinstance(exc, TryLater):
                for alone in batch:
                    await self._go([alone])
                return
            for _, done in batch:
                if not done.done():
                    done.set_exception(exc)
            return
        for _, done in batch:
            if not done.done():
                done.set_result(None)
