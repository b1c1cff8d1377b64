"""Attempts as calls and facts: leave by rpc, settlement as the durable fact `attempt.settled`."""

import itertools
import os
import socket
from uuid import UUID, uuid4, uuid5

from services.generator.ports import CallTerms
from shared.calls import NOTE_CALL, OPEN_ATTEMPT, AttemptAnswer, NoteCall, OpenAttempt
from shared.events import AttemptSettled, ContentRequested
from shared.factlog import FactLog
from shared.outcomes import GiveUp, TryLater
from shared.problems import Problem
from shared.rpc import Caller

_TRIES = 3
_LEASE_MARGIN_S = 5.0


class LedgerAttempts:
    """Talks to the ledger in the name of this process."""

    def __init__(self, call: Caller, facts: FactLog) -> None:
        self._call = call
        self._facts = facts
        # One incarnation of one process: after a crash its open calls are known to be over.
        self._holder = f"{socket.gethostname()[:60]}/{os.getpid()}/{uuid4().hex[:12]}"
        self._counter = itertools.count(1)

    async def open(
        self, event: ContentRequested, terms: CallTerms, *, lost_attempt_id: str | None = None
    ) -> AttemptAnswer:
        ordinal = next(self._counter)
        name = f"{event.run}/{self._holder}/{ordinal}"
        attempt_id = str(uuid5(UUID(event.piece_id), name))
        request = self._request(event, terms, attempt_id, lost_attempt_id)
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

    async def keep(self, event: ContentRequested, terms: CallTerms, attempt_id: str) -> None:
        # Who asks again for what is his gets the same answer, and a new lease.
        try:
            await self._call(OPEN_ATTEMPT, self._request(event, terms, attempt_id))
        except Problem as problem:
            raise TryLater(problem.details.code) from problem

    async def note_call(self, event: ContentRequested, attempt_id: str, call_id: str) -> None:
        request = NoteCall(
            tenant=event.tenant, piece_id=event.piece_id, attempt_id=attempt_id, call_id=call_id
        )
        try:
            await self._call(NOTE_CALL, request)
        except Problem as problem:
            # The books do not know the call that they allowed: they were restored meanwhile.
            raise GiveUp(problem.details.code, problem.details.detail) from problem

    def _request(
        self,
        event: ContentRequested,
        terms: CallTerms,
        attempt_id: str,
        lost_attempt_id: str | None = None,
    ) -> OpenAttempt:
        return OpenAttempt(
            tenant=event.tenant,
            attempt_id=attempt_id,
            task_id=event.task_id,
            piece_id=event.piece_id,
            run=event.run,
            provider=terms.provider,
            holder=self._holder,
            lease_s=(terms.lease_s or terms.limit_s) + _LEASE_MARGIN_S,
            most_in_flight=terms.most_everywhere,
            lost_attempt_id=lost_attempt_id,
        )

    async def settle(self, settled: AttemptSettled) -> None:
        await self._facts.write(settled)
