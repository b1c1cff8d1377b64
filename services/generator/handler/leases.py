"""Calls that end with this process: the ledger hears that they go on, until they are over."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from services.generator.handler.making import Making
from services.generator.ports import Attempts, CallTerms
from shared.outcomes import TryLater

_TIMES_A_LEASE = 3


@asynccontextmanager
async def kept(
    attempts: Attempts,
    making: Making,
    terms: CallTerms,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[None]:
    """Keep the lease of a call while the block lasts, where the terms give it one."""
    if terms.lease_s is None:
        yield
        return
    keeping = asyncio.create_task(_keep(attempts, making, terms, terms.lease_s, sleep))
    try:
        yield
    finally:
        keeping.cancel()


async def _keep(
    attempts: Attempts,
    making: Making,
    terms: CallTerms,
    lease_s: float,
    sleep: Callable[[float], Awaitable[None]],
) -> None:
    while True:
        await sleep(lease_s / _TIMES_A_LEASE)
        try:
            await attempts.keep(making.event, terms, making.attempt_id)
        except TryLater:
            continue  # there are two more before it is over
