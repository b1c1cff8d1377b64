"""Nobody takes more of the API than their key allows.

Fields as in https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/.
"""

import time
from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.domain.rate_limits import Allowance, RateLimits
from services.gateway.handler.problems import problem_response
from shared.calls import ApiKey
from shared.problems import ProblemDetails

HEADERS = {
    "RateLimit-Policy": "the key's limit: `q` requests in `w` seconds",
    "RateLimit": "`r` requests are left; the whole limit is back after `t` seconds",
}


class LimitRate:
    """Middleware behind the one that looks at the key: counts, tells, refuses."""

    def __init__(self, app: ASGIApp, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._limits = RateLimits()
        self._monotonic = monotonic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key: ApiKey | None = scope.get("state", {}).get("key")
        if key is None:
            await self._app(scope, receive, send)
            return
        allowance = self._limits.take(key.key_id, key.limit, now=self._monotonic())

        async def send_telling(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(fields(allowance, policy="key"))
            await send(message)

        if allowance.retry_after_s is None:
            await self._app(scope, receive, send_telling)
        else:
            refusal = _refusal(scope["path"], allowance, allowance.retry_after_s)
            await refusal(scope, receive, send_telling)


def fields(allowance: Allowance, *, policy: str) -> dict[str, str]:
    """What tells clients of a limit and what is left of it."""
    limit = allowance.limit
    return {
        "RateLimit-Policy": f'"{policy}";q={limit.requests};w={limit.window_s}',
        "RateLimit": f'"{policy}";r={allowance.remaining};t={allowance.full_after_s}',
    }


def _refusal(path: str, allowance: Allowance, retry_after_s: int) -> ASGIApp:
    limit = allowance.limit
    details = ProblemDetails(
        code="rate_limited",
        status=429,
        detail=f"This key may make {limit.requests} requests in {limit.window_s} s; "
        f"try again after {retry_after_s} s.",
    )
    return problem_response(path, details, headers={"Retry-After": str(retry_after_s)})
