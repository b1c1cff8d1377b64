"""No request body larger than its limit is ever held in memory, and few large ones at a time."""

import asyncio
from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.handler.crowd_limit import overloaded
from services.gateway.handler.problems import problem_response
from shared.problems import ProblemDetails

MAX_BODY_BYTES = 1024 * 1024
LARGE_AT_A_TIME = 8
"""Bodies that may be larger than `MAX_BODY_BYTES`: each takes its size several times over."""

_DISCARDED_BYTES = 16 * MAX_BODY_BYTES
_DISCARDING_S = 5.0


class LimitBody:
    """Middleware: refuses by the announced length, and counts where none is announced.

    `larger` has the limits of paths that take more than `MAX_BODY_BYTES`. The framework's own
    limit answers in plain text, and replaces problems by it.
    """

    def __init__(self, app: ASGIApp, *, larger: Mapping[str, int]) -> None:
        self._app = app
        self._larger = larger
        self._large = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        limit = self._larger.get(scope["path"], MAX_BODY_BYTES)
        if _announced(headers) > limit:
            await _refuse_unread(_too_large(scope["path"], limit), scope, receive, send)
        elif limit == MAX_BODY_BYTES or _is_small(headers):
            await self._app(scope, _counting(receive, limit), send)
        elif self._large >= LARGE_AT_A_TIME:
            await _refuse_unread(overloaded(scope["path"]), scope, receive, send)
        else:
            await self._take_large(scope, _counting(receive, limit), send)

    async def _take_large(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._large += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._large -= 1


async def _refuse_unread(refusal: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    # Who expects a sign before sending has sent nothing yet.
    if "expect" not in Headers(scope=scope):
        await _discard(receive)
    await refusal(scope, receive, send)


def _too_large(path: str, limit: int) -> ASGIApp:
    details = ProblemDetails(code="body_too_large", status=413, detail=_detail(limit))
    return problem_response(path, details)


def _detail(limit: int) -> str:
    return f"A request body may have {limit} bytes at most here; send less at a time."


def _announced(headers: Headers) -> int:
    length = headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 19 else 0


def _is_small(headers: Headers) -> bool:
    return "content-length" in headers and _announced(headers) <= MAX_BODY_BYTES


def _counting(receive: Receive, limit: int) -> Receive:
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            if message.get("more_body"):
                await _discard(receive)
            raise HTTPException(413, _detail(limit))
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
