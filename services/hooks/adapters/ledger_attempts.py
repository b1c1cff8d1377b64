"""Attempts as calls and facts: leave by rpc, settlement as the durable fact `attempt.settled`."""

import itertools
import os
import socket
from uuid import UUID, uuid4, uuid5

from services.hooks.ports import CallTerms
from shared.calls import OPEN_ATTEMPT, AttemptAnswer, OpenAttempt
from shared.events import AttemptSettled, ImageGenerated
from shared.factlog import FactLog
from shared.outcomes import GiveUp, TryLater
from shared.problems import Problem
from shared.rpc import Caller

_TRIES = 3
_LEASE_MARGIN_S = 15.0
"""The lease also covers the wait for the others of a call, and for the screen."""


class LedgerAttempts:
    """Talks to the ledger in the name of this process."""

    def __init__(self, call: Caller, facts: FactLog) -> None:
        self._call = call
        self._facts = facts
        # One incarnation of one process: after a crash its open calls are known to be over.
        self._holder = f"{socket.gethostname()[:60]}/{os.getpid()}/{uuid4().hex[:12]}"
        self._counter = itertools.count(1)

    async def open(self, event: ImageGenerated, terms: CallTerms) -> AttemptAnswer:
        ordinal = next(self._counter)
        name = f"captions/{event.run}/{self._holder}/{ordinal}"
        request = OpenAttempt(
            tenant=event.tenant,
            attempt_id=str(uuid5(UUID(event.piece_id), name)),
            task_id=event.task_id,
            piece_id=event.piece_id,
            run=event.run,
            kind="captions",
            provider=terms.provider,
            holder=self._holder,
            lease_s=terms.limit_s + _LEASE_MARGIN_S,
        )
        for left in reversed(range(_TRIES)):
            try:
                # The same id each time: an answer that was lost is given again.
                return await self._call(OPEN_ATTEMPT, request)
            except Problem as problem:
                raise GiveUp(problem.details.code, problem.details.detail) from problem
            except TryLater:
                if not left:
                    raise
        raise AssertionError("unreachable")

    async def settle(self, settled: AttemptSettled) -> None:
        await self._facts.write(settled)
