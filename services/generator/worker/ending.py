"""A worker ends in peace: nothing new, what runs is finished, results are fetched."""

import asyncio
from contextlib import suppress

import structlog

from services.generator.worker.web import Door

log = structlog.get_logger(__name__)

_LOOK_EVERY_S = 0.05


class Ending:
    """Begun by a signal; a second one is in a hurry."""

    def __init__(self, door: Door, *, grace_s: float) -> None:
        self._door = door
        self._grace_s = grace_s
        self._begun = asyncio.Event()
        self._hurried = asyncio.Event()

    def begin(self) -> None:
        """Refuse what is new from now on; called again, also end what runs."""
        self._door.making.close()
        (self._hurried if self._begun.is_set() else self._begun).set()

    async def finished(self) -> None:
        """Returns when the end was begun and nobody waits any more, or has waited for too long."""
        await self._begun.wait()
        log.info("worker.ending", under_way=self._door.making.under_way)
        try:
            async with asyncio.timeout(self._grace_s):
                await self._nobody_waits()
        except TimeoutError:
            log.warning("worker.grace_is_over", under_way=self._door.making.under_way)
        self._door.making.stop()

    async def _nobody_waits(self) -> None:
        while self._door.making.under_way or self._door.results.awaited:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._hurried.wait(), _LOOK_EVERY_S)
                return
