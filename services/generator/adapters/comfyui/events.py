"""The websocket of a ComfyUI server: it tells at once what asking would tell later."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from services.generator.adapters.comfyui.job import Job

_OPEN_S = 5.0
_MOST_BYTES = 16 * 2**20

# Events quote inputs, with the prompt and the link among them: never to a log, whatever its level.
_silent = logging.getLogger(__name__)
_silent.setLevel(logging.CRITICAL)


class _Straight(connect):
    """Goes where it is told: no redirects."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


@asynccontextmanager
async def listening(url: str, job: Job, *, again_s: float) -> AsyncIterator[None]:
    """Let the job hear its events meanwhile; begun when the first connection stands or failed.

    A lost connection is opened again after `again_s` seconds. Events are a convenience: without
    them the job is asked about all the same.
    """
    tried = asyncio.Event()
    listener = asyncio.create_task(_listen(url, job, tried, again_s))
    try:
        await tried.wait()
        yield
    finally:
        listener.cancel()
        with suppress(asyncio.CancelledError):
            await listener


async def _listen(url: str, job: Job, tried: asyncio.Event, again_s: float) -> None:
    while True:
        with suppress(OSError, TimeoutError, WebSocketException):
            async with _Straight(
                url,
                open_timeout=_OPEN_S,
                close_timeout=1,
                max_size=_MOST_BYTES,
                compression=None,
                logger=_silent,
            ) as socket:
                tried.set()
                try:
                    async for message in socket:
                        job.hear(message)
                finally:
                    # Whoever has the image does not wait for a farewell.
                    socket.transport.abort()
        tried.set()
        await asyncio.sleep(again_s)
