"""Hears on the broker how pieces end, as another system would."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import nats
from nats.aio.msg import Msg

PERSISTED = "content.persisted"
OTHER_ENDS = ("content.rejected", "content.failed")
_SILENCE_LIMIT_S = 120.0


class Ends:
    """Pieces by when we heard that they were persisted, in seconds of the wall clock."""

    def __init__(self) -> None:
        self.persisted_at: dict[str, float] = {}
        self._task_of: dict[str, str] = {}
        self._lost: list[str] = []
        self._news = asyncio.Event()

    def count(self) -> int:
        """How many were persisted."""
        return len(self.persisted_at)

    def of_task(self, task_id: str) -> list[float]:
        """When each persisted piece of a task was heard of, the first one first."""
        return sorted(
            at for piece, at in self.persisted_at.items() if self._task_of[piece] == task_id
        )

    def forget(self) -> None:
        """Begin anew."""
        self.persisted_at.clear()
        self._task_of.clear()

    async def hear(self, message: Msg) -> None:
        """Take note of one end."""
        *_, task_id, piece_id, _ = message.subject.split(".")
        if message.subject.startswith(PERSISTED):
            self.persisted_at.setdefault(piece_id, time.time())
            self._task_of[piece_id] = task_id
        else:
            self._lost.append(message.subject)
        self._news.set()

    async def until(self, count: int) -> None:
        """Return when `count` pieces are persisted.

        Raises RuntimeError when one ends otherwise, or when nothing ends for two minutes.
        """
        while self.count() < count:
            self._news.clear()
            try:
                async with asyncio.timeout(_SILENCE_LIMIT_S):
                    await self._news.wait()
            except TimeoutError:
                raise RuntimeError(
                    f"stuck with {self.count()} of {count} pieces persisted"
                ) from None
            if self._lost:
                raise RuntimeError(f"{len(self._lost)} pieces were lost: {self._lost[0]}")


@asynccontextmanager
async def following(endpoint: Mapping[str, Any]) -> AsyncIterator[Ends]:
    """Hear of every end from now on."""
    nc = await nats.connect(
        endpoint["nats_url"],
        nkeys_seed=endpoint["nats_seed_files"]["outside"],
        inbox_prefix="_INBOX_outside",
    )
    ends = Ends()
    for fact in (PERSISTED, *OTHER_ENDS):
        await nc.subscribe(f"{fact}.default.>", cb=ends.hear)
    await nc.flush()
    try:
        yield ends
    finally:
        await nc.close()
