"""API keys from the ledger, remembered for a short while."""

import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime

from services.gateway.domain.same_work import SameWork
from services.gateway.ports import Ask
from shared.calls import FIND_KEY, ApiKey, FindKey
from shared.factlog import utc_now
from shared.problems import Problem

KNOWN_FOR_S = 5.0
UNKNOWN_FOR_S = 5.0
MAX_REMEMBERED = 2048


class RememberedKeys:
    """Asks for a key once in a while: a revoked key works for at most `KNOWN_FOR_S` longer."""

    def __init__(
        self,
        ask: Ask,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._ask = ask
        self._monotonic = monotonic
        self._now = now
        self._remembered: OrderedDict[str, tuple[float, ApiKey | None]] = OrderedDict()
        self._asking: SameWork[tuple[str, int], ApiKey | None] = SameWork()
        self._changes = 0

    async def find(self, key_id: str) -> ApiKey | None:
        remembered = self._remembered.get(key_id)
        if remembered is not None and self._monotonic() < remembered[0]:
            return self._unless_expired(remembered[1])
        # After a change nobody waits for an answer to a question from before.
        question = (key_id, self._changes)
        key, _ = await self._asking.do(question, lambda: self._learn(key_id))
        return self._unless_expired(key)

    def knows(self, key_id: str) -> bool:
        return self._remembered.get(key_id, (0.0, None))[1] is not None

    def forget(self, key_id: str) -> None:
        self._changes += 1
        self._remembered.pop(key_id, None)

    def _unless_expired(self, key: ApiKey | None) -> ApiKey | None:
        if key is None or key.expires_at is None or key.expires_at > self._now():
            return key
        return None

    async def _learn(self, key_id: str) -> ApiKey | None:
        changes = self._changes
        key = await self._look_up(key_id)
        # What was on its way while a key was changed may tell of the time before.
        if changes == self._changes:
            self._remember(key_id, key)
        return key

    async def _look_up(self, key_id: str) -> ApiKey | None:
        try:
            return await self._ask(FIND_KEY, FindKey(key_id=key_id))
        except Problem as problem:
            if problem.details.status == 404:
                return None
            raise

    def _remember(self, key_id: str, key: ApiKey | None) -> None:
        lifetime_s = UNKNOWN_FOR_S if key is None else KNOWN_FOR_S
        self._remembered[key_id] = (self._monotonic() + lifetime_s, key)
        self._remembered.move_to_end(key_id)
        # Guessed ids must not fill the memory.
        if len(self._remembered) > MAX_REMEMBERED:
            self._remembered.popitem(last=False)
