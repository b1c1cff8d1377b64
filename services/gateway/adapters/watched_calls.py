"""Questions to the ledger, on which everything at the door waits: while it is away, nobody does."""

import asyncio
import time

import structlog

from services.gateway.ports import Ask
from shared.calls import FIND_KEY, FindKey
from shared.outcomes import TryLater
from shared.problems import Problem
from shared.rpc import Call, Reply, Request

log = structlog.get_logger(__name__)

WATCHED = "ledger."
CHECK_S = 0.1
SUSPICIOUS_S = 0.3
"""After so long without any answer, although somebody waits for one, the ledger is probed."""
ANSWER_S = 0.4
"""A probe that is not answered within this time means that the ledger is away."""
PROBE_LIMIT_S = 1.0
LOOK_AGAIN_S = 0.25

_UNREAD_S = 0.05
# The cheapest question that the database has to answer.
_PROBE = FindKey(key_id="nobody")


class WatchedCalls:
    """Asks by `ask`; the ledger is away from its silence, or its last excuse, to a probe's answer.

    A question may take its time as long as others are answered meanwhile. But a database that
    hangs answers nothing at all: then those who wait are told to try later, who comes at once.
    """

    def __init__(self, ask: Ask, probe: Ask) -> None:
        self._ask = ask
        self._probe = probe
        self._away = False
        self._waiting: set[asyncio.Timeout] = set()
        self._waiting_since = 0.0
        self._heard_at = 0.0
        self._vigil: asyncio.Task[None] | None = None

    async def __call__(
        self, call: Call[Request, Reply], request: Request, *, timeout_s: float | None = None
    ) -> Reply:
        if not call.name.startswith(WATCHED):
            return await self._ask(call, request, timeout_s=timeout_s)
        asked_at = time.monotonic()
        try:
            reply = await self._unless_away(call, request, timeout_s)
        except Problem as problem:
            if problem.details.status < 500:
                self._heard_at = time.monotonic()
            raise
        except TryLater:
            # Many may wait for a thing that takes too long; others may be answered all the same.
            if self._heard_at < asked_at:
                self._leave()
            raise
        self._heard_at = time.monotonic()
        return reply

    async def _unless_away(
        self, call: Call[Request, Reply], request: Request, timeout_s: float | None
    ) -> Reply:
        self._watch()
        if self._away:
            raise TryLater("the ledger is away")
        try:
            async with asyncio.timeout(None) as patience:
                self._begin(patience)
                try:
                    return await self._ask(call, request, timeout_s=timeout_s)
                finally:
                    self._waiting.discard(patience)
        except TimeoutError as exc:
            raise TryLater("the ledger is silent") from exc

    def _begin(self, patience: asyncio.Timeout) -> None:
        if not self._waiting:
            self._waiting_since = time.monotonic()
        self._waiting.add(patience)

    def _watch(self) -> None:
        if self._vigil is None or self._vigil.done():
            self._vigil = asyncio.create_task(self._keep_vigil(), name="vigil over the ledger")

    async def _keep_vigil(self) -> None:
        while self._waiting or self._away:
            if self._away:
                self._away = not await self._answers(PROBE_LIMIT_S)
                await asyncio.sleep(LOOK_AGAIN_S)
            elif self._silent_s < SUSPICIOUS_S:
                await asyncio.sleep(CHECK_S)
            elif not await self._answers(ANSWER_S) and self._silent_s >= SUSPICIOUS_S:
                self._leave()

    @property
    def _silent_s(self) -> float:
        return time.monotonic() - max(self._heard_at, self._waiting_since)

    def _leave(self) -> None:
        if not self._away:
            log.warning("ledger.away", waiting=len(self._waiting))
        self._away = True
        waiting, self._waiting = self._waiting, set()
        for patience in waiting:
            patience.reschedule(0.0)
        self._watch()

    async def _answers(self, within_s: float) -> bool:
        probe = asyncio.create_task(self._is_well())
        done, _ = await asyncio.wait([probe], timeout=within_s)
        if not done:
            # We may have been too busy to read; then the answer is there by now.
            await asyncio.sleep(_UNREAD_S)
        answers = probe.done() and probe.result()
        probe.cancel()
        return answers

    async def _is_well(self) -> bool:
        try:
            await self._probe(FIND_KEY, _PROBE, timeout_s=PROBE_LIMIT_S)
        except Problem as problem:
            if problem.details.status >= 500:
                return False
        except TryLater:
            return False
        self._heard_at = time.monotonic()
        return True
