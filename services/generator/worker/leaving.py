"""Work for a client ends when the client leaves."""

import asyncio
from typing import TypeVar

from fastapi import Request

T = TypeVar("T")


class ClientLeft(Exception):
    """Nobody waits for this answer any more."""


async def while_client_waits(request: Request, work: "asyncio.Task[T]") -> T:
    """What the work gives; cancelled when the client leaves, and when this call is.

    The request's body has to be read before. Raises ClientLeft.
    """
    leaving = asyncio.create_task(_left(request))
    try:
        await asyncio.wait((work, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise ClientLeft
        return work.result()
    finally:
        leaving.cancel()
        work.cancel()


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
