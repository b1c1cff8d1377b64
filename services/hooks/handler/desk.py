"""Pieces that wait at the same time go into one call, if they are alike."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass

from services.hooks.handler.jobs import Job, Outcome
from shared.content import Lane
from shared.events import ImageGenerated
from shared.together import Together

WriteJobs = Callable[[Sequence[Job]], Awaitable[Sequence[Outcome]]]

_COMPANY = 2


@dataclass(slots=True)
class _Queue:
    together: Together[Job, Outcome]
    waiting: int = 0


class Desk:
    """Gathers pieces of one avatar, platform, language and personality, `most` to a call.

    Pieces that nobody waits for linger for more of their kind. A piece is written for once at a
    time in this process, also when the broker hands it out again: who comes later hears the same.
    """

    def __init__(self, write: WriteJobs, *, most: int, linger_s: float) -> None:
        self._write = write
        self._most = most
        self._linger_s = linger_s
        self._queues: dict[Hashable, _Queue] = {}
        self._under_way: dict[str, tuple[int, asyncio.Task[Outcome]]] = {}

    @property
    def waiting(self) -> int:
        """Pieces under way, and kinds of them."""
        return len(self._under_way) + len(self._queues)

    async def __call__(self, event: ImageGenerated) -> Outcome:
        """What comes of the piece. Goes on when the one who asks is gone."""
        task = await self._task_of(event)
        if task is None:
            task = asyncio.create_task(self._brought(event), name=f"captions {event.piece_id}")
            self._under_way[event.piece_id] = event.run, task
            task.add_done_callback(lambda _: self._under_way.pop(event.piece_id, None))
        return await asyncio.shield(task)

    async def _task_of(self, event: ImageGenerated) -> asyncio.Task[Outcome] | None:
        """The task of its run. Another run is waited for: what that buys may be adopted."""
        while (known := self._under_way.get(event.piece_id)) is not None:
            run, task = known
            if run == event.run:
                return task
            await asyncio.wait({task})
        return None

    async def _brought(self, event: ImageGenerated) -> Outcome:
        lingers = self._lingers(event)
        kind = (_likeness(event), lingers)
        queue = self._queues.get(kind)
        if queue is None:
            linger_s = self._linger_s if lingers else 0.0
            queue = _Queue(Together(self._write, most=self._most, linger_s=linger_s))
            self._queues[kind] = queue
        queue.waiting += 1
        try:
            return await queue.together(Job(event.piece_id, event.tenant, event.brief, event))
        finally:
            queue.waiting -= 1
            if not queue.waiting:
                self._queues.pop(kind, None)

    def _lingers(self, event: ImageGenerated) -> bool:
        """Whether nobody waits for it. Where nobody has said so: whether it has company."""
        if event.lane is None:
            return len(self._under_way) >= _COMPANY
        return event.lane is Lane.BULK


def _likeness(event: ImageGenerated) -> Hashable:
    """What pieces of one call have in common: everything about them but the picture."""
    brief = event.brief
    return (
        event.tenant,
        brief.avatar_id,
        brief.avatar_name,
        brief.niche,
        brief.personality_tone,
        brief.likeness_name,
        brief.language,
        brief.platform,
    )
