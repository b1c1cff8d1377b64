"""Questions to other services, asked again for a moment while one of them restarts."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from shared.calls import CANCEL_TASK, DELETE_AVATAR
from shared.outcomes import TryLater
from shared.rpc import Call, Caller, Reply, Request

ASK_AGAIN_FOR_S = 2.0
PAUSE_S = 0.25

# Everything else may be asked twice: ids are made at the door, so a second time changes nothing.
# These would answer differently the second time, though the first did what was asked.
_ASKED_ONCE = frozenset({DELETE_AVATAR.name, CANCEL_TASK.name})


class PatientCalls:
    """Like `Caller`, but a service that is away for a moment is not yet an error."""

    def __init__(
        self, caller: Caller, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._caller = caller
        self._sleep = sleep

    async def __call__(
        self, call: Call[Request, Reply], request: Request, *, timeout_s: float | None = None
    ) -> Reply:
        give_up_at = time.monotonic() + ASK_AGAIN_FOR_S
        while True:
            try:
                return await self._caller(call, request, timeout_s=timeout_s)
            except TryLater:
                if call.name in _ASKED_ONCE or time.monotonic() >= give_up_at:
                    raise
            await self._sleep(PAUSE_S)
