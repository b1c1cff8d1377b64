"""Leave nothing at ComfyUI: no job that nobody waits for, and no history of any."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from services.generator.adapters.comfyui.job import Job
from services.generator.adapters.comfyui.server import ComfyServer, Where
from services.generator.domain.failures import ProviderFailure

log = structlog.get_logger(__name__)

_PATIENCE_S = 60.0
_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 8.0
_TIME_TO_CLOSE_S = 5.0


class Clearing:
    """Works beside the calls, so that nobody waits for it.

    The history holds the prompt and the link to the weights until somebody deletes it.
    """

    def __init__(
        self, server: ComfyServer, *, patience_s: float = _PATIENCE_S, pause_s: float = _PAUSE_S
    ) -> None:
        self._server = server
        self._patience_s = patience_s
        self._pause_s = pause_s
        self._at_work: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def after(self, job: Job) -> AsyncIterator[None]:
        """However what is done with the job ends: afterwards the server is rid of it."""
        try:
            yield
        finally:
            if job.may_be_there:
                clearing = asyncio.create_task(self._clear(job))
                self._at_work.add(clearing)
                clearing.add_done_callback(self._at_work.discard)

    async def finish(self) -> None:
        """Come to an end, in a few seconds."""
        if self._at_work:
            _, left = await asyncio.wait(self._at_work, timeout=_TIME_TO_CLOSE_S)
            for clearing in left:
                clearing.cancel()

    async def _clear(self, job: Job) -> None:
        try:
            async with asyncio.timeout(self._patience_s):
                if not job.is_over:
                    await self._insist(lambda: self._stop(job.id))
                await self._insist(lambda: self._server.forget(job.id))
        except (TimeoutError, ProviderFailure) as exc:
            log.warning("comfyui.job_left", job_id=job.id, reason=type(exc).__name__)

    async def _stop(self, job_id: str) -> None:
        """Off the queue, or interrupted. It is in the history only when its node has ended."""
        await self._server.dequeue(job_id)
        pause_s = self._pause_s
        while (where := await self._server.where(job_id)) is not Where.NOT_QUEUED:
            if where is Where.AT_WORK:
                # Again each time: an interrupt that comes before the first node begins is lost.
                await self._server.interrupt(job_id)
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    async def _insist(self, act: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                return await act()
            except ProviderFailure as failure:
                if failure.code in {"REFUSED", "BAD_RESPONSE"}:
                    raise
            await asyncio.sleep(self._pause_s)
