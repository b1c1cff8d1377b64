"""No more requests at a time than can be answered in good time; who is one too many learns it."""

import random

from starlette.types import ASGIApp, Receive, Scope, Send

from services.gateway.handler.door import Door
from services.gateway.handler.problems import problem_response
from shared.problems import ProblemDetails

PREFIX_OF_PROBES = "/health"
SHORTEST_RETRY_AFTER_S = 1
LONGEST_RETRY_AFTER_S = 4

_OVERLOADED = ProblemDetails(
    code="overloaded",
    status=503,
    detail="More is asked at this moment than can be answered; this request was not looked at.",
)


class LimitCrowd:
    """Middleware before all others: counts requests that are not answered yet, and refuses."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Whoever watches over us must not take a crowd for a death.
        if scope["type"] != "http" or scope["path"].startswith(PREFIX_OF_PROBES):
            await self._app(scope, receive, send)
            return
        door: Door = scope["app"].state.door
        if self._inside >= door.most_requests:
            await overloaded(scope["path"])(scope, receive, send)
            return
        self._inside += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._inside -= 1


def overloaded(path: str) -> ASGIApp:
    """503: this is one request too many at this moment."""
    # Spread, so that those who are sent away do not come back all at once.
    retry_after_s = random.randint(SHORTEST_RETRY_AFTER_S, LONGEST_RETRY_AFTER_S)  # noqa: S311
    return problem_response(path, _OVERLOADED, headers={"Retry-After": str(retry_after_s)})
