"""Request bodies are read strictly: what could be understood in two ways is refused."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from shared.strict_json import StrictJsonError, parse

# Reading less takes no longer than handing it to a thread.
_AT_ONCE_BYTES = 64 * 1024


class UnreadableBody(HTTPException):
    """422: the body is no JSON that has one meaning."""

    def __init__(self, error: StrictJsonError) -> None:
        super().__init__(422, str(error))
        self.error = error


class _StrictRequest(Request):
    async def json(self) -> Any:
        body = await self.body()
        try:
            if len(body) <= _AT_ONCE_BYTES:
                return parse(body)
            return await asyncio.to_thread(parse, body)
        except StrictJsonError as exc:
            raise UnreadableBody(exc) from None


class StrictRoute(APIRoute):
    """A route whose JSON body is read strictly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            return await handle(_StrictRequest(request.scope, request.receive))

        return handle_strictly
