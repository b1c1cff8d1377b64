"""Questions to other services, asked again for a moment while one of them restarts."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from services.gateway.ports import Ask
from shared.calls import DECIDE_REVIEW, DELETE_AVATAR, UNFREEZE_AVATAR, WRITE_CAPTIONS
from shared.outcomes import TryLater
from shared.rpc import Call, Reply, Request

# With the rest of a request it makes less than a second, after which clients learn where they are.
PATIENCE_S = 0.7
_PAUSE_S = 0.2

# Ids are made at the door, so asking a second time changes nothing; but after one of these whose
# answer got lost there is nothing left to do, which would look like a mistake of the client. And
# captions may have been paid for although nobody answers: asking again would pay twice.
_ASKED_ONCE = frozenset(
    call.name for call in (DELETE_AVATAR, DECIDE_REVIEW, UNFREEZE_AVATAR, WRITE_CAPTIONS)
)


class PatientCalls:
    """Asks like `caller`, but a service that is away for a moment is not yet an error."""

    def __init__(
        self,
        caller: Ask,
        *,
        patience_s: float = PATIENCE_S,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._caller = caller
        self._patience_s = patience_s
        self._sleep = sleep

    async def __call__(
        self, call: Call[Request, Reply], request: Request, *, timeout_s: float | None = None
    ) -> Reply:
        give_up_at = time.monotonic() + self._patience_s
        while True:
            try:
                return await self._caller(call, request, timeout_s=timeout_s)
            except TryLater:
                if call.name in _ASKED_ONCE or time.monotonic() >= give_up_at:
                    raise
            await self._sleep(min(_PAUSE_S, self._patience_s / 2))
