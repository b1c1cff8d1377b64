"""What many ask for at the same time is done in one go."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from shared.outcomes import TryLater

T = TypeVar("T")
R = TypeVar("R")

# Under load a seventh of the time goes into goes, whatever they take on that machine.
_REST = 6.0


class Together(Generic[T, R]):
    """Collects items while the go before is under way, and for `linger_s` before each go.

    After a go there is a rest, six times as long as the go took and `rest_s` at most: one alone
    hardly ever meets it, and of a crowd many go together. `act` gives one result an item, in their
    order. Whoever brings an item learns how the go with it ended. When an item is at fault, the
    others of its go are done one by one, so that it fails alone.
    """

    def __init__(
        self,
        act: Callable[[Sequence[T]], Awaitable[Sequence[R]]],
        *,
        most: int = 100,
        linger_s: float = 0.0,
        rest_s: float = 0.0,
    ) -> None:
        self._act = act
        self._most = most
        self._linger_s = linger_s
        self._rest_s = rest_s
        self._rested_at = -math.inf
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._worker: asyncio.Task[None] | None = None

    async def __call__(self, item: T) -> R:
        """Have `item` done. Raises what doing it raised."""
        done: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work(), name="together")
        return await done

    async def _work(self) -> None:
        now = asyncio.get_running_loop().time
        while self._waiting:
            pause_s = max(self._linger_s, self._rested_at - now())
            if pause_s > 0 and len(self._waiting) < self._most:
                await asyncio.sleep(pause_s)
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            began_at = now()
            await self._go(batch)
            self._rested_at = now() + min(self._rest_s, _REST * (now() - began_at))

    async def _go(self, batch: Sequence[tuple[T, asyncio.Future[R]]]) -> None:
        try:
            results = await self._act([item for item, _ in batch])
            answered = list(zip(batch, results, strict=True))
        except Exception as exc:  # noqa: BLE001 - each bringer raises it as its own
            if len(batch) > 1 and not isinstance(exc, TryLater):
                for alone in batch:
                    await self._go([alone])
                return
            for _, done in batch:
                if not done.done():
                    done.set_exception(exc)
            return
        for (_, done), result in answered:
            if not done.done():
                done.set_result(result)


def told_nothing(
    act: Callable[[Sequence[T]], Awaitable[None]],
) -> Callable[[Sequence[T]], Awaitable[Sequence[None]]]:
    """Let an act without results be done together."""

    async def acting(items: Sequence[T]) -> Sequence[None]:
        await act(items)
        return [None] * len(items)

    return acting
