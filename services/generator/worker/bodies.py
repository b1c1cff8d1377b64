"""A request's body, read up to its limit, whatever its length is said to be."""

import asyncio

from fastapi import Request

from services.generator.worker.refusals import DoorCode, Refusal

READ_WITHIN_S = 15.0
# Closing on a client that still sends resets it, and the refusal gets lost.
_DISCARDED_BYTES = 2**20


async def read_body(request: Request, limit: int, within_s: float = READ_WITHIN_S) -> bytes:
    """The whole body. Raises Refusal when it is too large or takes too long."""
    try:
        async with asyncio.timeout(within_s):
            return await _read(request, limit)
    except TimeoutError:
        raise Refusal(DoorCode.BODY_TOO_SLOW, "The order took too long to arrive.") from None


async def _read(request: Request, limit: int) -> bytes:
    kept, received = bytearray(), 0
    async for chunk in request.stream():
        received += len(chunk)
        if received <= limit:
            kept += chunk
        elif received > limit + _DISCARDED_BYTES:
            break
    if received > limit:
        raise Refusal(DoorCode.BODY_TOO_LARGE, f"An order has {limit} bytes at most.")
    return bytes(kept)
