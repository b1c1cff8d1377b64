"""No request body larger than the limit is ever held in memory."""

import asyncio

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.handler.problems import problem_response
from shared.problems import ProblemDetails

MAX_BODY_BYTES = 1024 * 1024
_DETAIL = f"A request body may have {MAX_BODY_BYTES} bytes at most; split the order."
_TOO_LARGE = ProblemDetails(code="body_too_large", status=413, detail=_DETAIL)
_DISCARDED_BYTES = 16 * MAX_BODY_BYTES
_DISCARDING_S = 5.0


class LimitBody:
    """Middleware: refuses by the announced length, and counts where none is announced.

    The framework's own limit answers in plain text, and replaces problems by it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if _announced(headers) > MAX_BODY_BYTES:
            # Who expects a sign before sending has sent nothing yet.
            if "expect" not in headers:
                await _discard(receive)
            await problem_response(scope["path"], _TOO_LARGE)(scope, receive, send)
            return
        await self._app(scope, _counting(receive), send)


def _announced(headers: Headers) -> int:
    length = headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 19 else 0


def _counting(receive: Receive) -> Receive:
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > MAX_BODY_BYTES:
            if message.get("more_body"):
                await _discard(receive)
            raise HTTPException(413, _DETAIL)
        return message

    return counted


async def _discard(receive: Receive) -> None:
    """Read on for a while without keeping anything.

    Closing a connection on a client that still sends resets it, and the refusal gets lost.
    """
    discarded = 0
    try:
        async with asyncio.timeout(_DISCARDING_S):
            while discarded < _DISCARDED_BYTES:
                message = await receive()
                discarded += len(message.get("body", b""))
                if not message.get("more_body"):
                    return
    except TimeoutError:
        return  # too slow to be worth it
