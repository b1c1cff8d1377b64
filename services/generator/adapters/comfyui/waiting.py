"""Wait for a job at ComfyUI: told by the websocket when to ask, and asking anyway."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from services.generator.adapters.comfyui.faults import gone
from services.generator.adapters.comfyui.job import Ended, Job
from services.generator.adapters.comfyui.server import ComfyServer, Where
from services.generator.domain.failures import ProviderFailure

T = TypeVar("T")

_LONGEST_PAUSE_S = 30.0
# They say something about the way to the server, nothing about the job.
_PASSING = frozenset({"CONNECTION", "TIMEOUT", "SERVER_ERROR", "RATE_LIMITED"})


async def until_ended(server: ComfyServer, job: Job, poll_s: float) -> Ended:
    """How the job ended. Whoever awaits it sets the limit. Raises ProviderFailure."""
    while True:
        ended = await until_answered(lambda: look(server, job), job, poll_s)
        if ended is not None:
            return ended
        # Events come a moment before the history says the same.
        await job.news(poll_s if job.heard is None else poll_s / 10)


async def until_answered(ask: Callable[[], Awaitable[T]], job: Job, poll_s: float) -> T:
    """Ask again while the server cannot be reached or is busy."""
    while True:
        try:
            return await ask()
        except ProviderFailure as failure:
            if failure.code not in _PASSING:
                raise
            await job.news(min(max(poll_s, failure.retry_after_s or 0), _LONGEST_PAUSE_S))


async def look(server: ComfyServer, job: Job) -> Ended | None:
    """How it ended, or None while it waits or is at work."""
    ended = await server.ended(job.id)
    if ended is None:
        if await server.where(job.id) is not Where.NOT_QUEUED:
            return None
        # It may have ended between the two questions.
        ended = await server.ended(job.id)
    job.is_over = ended is not None
    if ended is None:
        # Somebody has emptied the history, or the queue.
        ended = job.heard or Ended({}, gone())
    return ended
