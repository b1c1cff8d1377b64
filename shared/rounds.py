"""Do a thing again and again in the background, whatever happens."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import structlog

from shared.outcomes import TryLater

log = structlog.get_logger(__name__)

_FIRST_DELAY_S = 0.5
_LONGEST_DELAY_S = 10.0


class Rounds:
    """Makes a round every `every_s` seconds, sooner when woken, later while rounds fail.

    Without `last_round`, stopping does not wait for what a round would still find.
    """

    def __init__(
        self,
        name: str,
        make_round: Callable[[], Awaitable[None]],
        *,
        every_s: float,
        wake: asyncio.Event | None = None,
        last_round: bool = False,
    ) -> None:
        self._name = name
        self._make_round = make_round
        self._every_s = every_s
        self._wake = wake or asyncio.Event()
        self._last_round = last_round
        self._end = asyncio.Event()
        self._runner: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin with the first round."""
        self._runner = asyncio.create_task(self._run(), name=f"rounds {self._name}")

    async def stop(self, *, grace_s: float = 2.0) -> None:
        """End after the round under way; one that takes longer than `grace_s` is broken off."""
        self._end.set()
        self._wake.set()
        if self._runner is not None:
            _, late = await asyncio.wait([self._runner], timeout=grace_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _run(self) -> None:
        failures = 0
        while True:
            is_last = self._end.is_set()
            if is_last and not self._last_round:
                return
            self._wake.clear()
            failures = 0 if await self._succeeds() else failures + 1
            if is_last:
                return
            if not self._end.is_set():
                await self._pause(self._delay_s(failures), woken_early=not failures)

    async def _succeeds(self) -> bool:
        try:
            await self._make_round()
        except TryLater as exc:
            log.warning("rounds.interrupted", rounds=self._name, error=exc.detail)
            return False
        except Exception:
            log.exception("rounds.failed", rounds=self._name)
            return False
        return True

    def _delay_s(self, failures: int) -> float:
        if not failures:
            return self._every_s
        full = min(_LONGEST_DELAY_S, _FIRST_DELAY_S * 2.0 ** min(failures - 1, 16))
        return full * random.uniform(0.5, 1.0)  # noqa: S311 - spreads retries, guards nothing

    async def _pause(self, seconds: float, *, woken_early: bool) -> None:
        wake = self._wake if woken_early else self._end
        try:
            async with asyncio.timeout(seconds):
                await wake.wait()
        except TimeoutError:
            return
