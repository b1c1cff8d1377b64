"""Nobody reaches the API without a valid key; the key also tells whose things are asked for."""

import hmac
import time
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from services.gateway.domain.rate_limits import Allowance, RateLimits, network_of
from services.gateway.handler.problems import problem_response, unavailable
from services.gateway.handler.rate_limit import fields
from services.gateway.ports import Keys
from shared.api_keys import PlainKey
from shared.calls import ApiKey, RateLimit
from shared.outcomes import TryLater
from shared.problems import ProblemDetails

PREFIX = "/api/"
OPEN_PATHS = frozenset({"/api/v1/openapi.json"})
WRONG_KEYS = RateLimit(requests=30, window_s=60)
"""Wrong keys that one address may show. Beyond it only keys that were seen before are looked at:
guessing reaches no other service, and who shares the address with a guesser is not locked out."""

_REFUSED = ProblemDetails(
    code="unauthorized",
    status=401,
    detail="Send a valid API key in the header X-API-Key, or as a bearer token.",
)
_TOO_MANY = ProblemDetails(
    code="rate_limited",
    status=429,
    detail="Too many wrong keys came from this address; try again later, with a valid key.",
)


class RequireApiKey:
    """Middleware: looks at the key before the body is read, also for paths that do not exist."""

    def __init__(self, app: ASGIApp, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._wrong_keys = RateLimits()
        self._monotonic = monotonic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _is_guarded(scope["path"]):
            answer = await self._admit(scope)
        else:
            answer = self._app
        await answer(scope, receive, send)

    async def _admit(self, scope: Scope) -> ASGIApp:
        """What answers the request: the application, or a refusal."""
        path, address = scope["path"], network_of((scope.get("client") or ("",))[0])
        keys: Keys = scope["app"].state.door.keys
        given = PlainKey.read(_presented(Headers(scope=scope)))
        if given is None:
            return _unauthorized(path)
        seen = self._wrong_keys.look(address, WRONG_KEYS, now=self._monotonic())
        if seen.retry_after_s is not None and not keys.knows(given.key_id):
            return _too_many(path, seen)
        try:
            key = await _authenticate(keys, given)
        except TryLater:
            return unavailable(path, "Keys cannot be checked now; try again soon.")
        if key is None:
            wrong = self._wrong_keys.take(address, WRONG_KEYS, now=self._monotonic())
            return _unauthorized(path) if wrong.retry_after_s is None else _too_many(path, wrong)
        scope.setdefault("state", {})["key"] = key
        return self._app


async def _authenticate(keys: Keys, given: PlainKey) -> ApiKey | None:
    key = await keys.find(given.key_id)
    # Compared even when there is no such key, so that time does not tell which ids exist.
    known = key.secret_sha256 if key else "0" * 64
    is_right = hmac.compare_digest(given.secret_sha256, known)
    return key if is_right else None


def _unauthorized(path: str) -> ASGIApp:
    headers = {"WWW-Authenticate": 'Bearer realm="atelier"'}
    return problem_response(path, _REFUSED, headers=headers)


def _too_many(path: str, allowance: Allowance) -> ASGIApp:
    headers = {"Retry-After": str(allowance.retry_after_s)}
    told = fields(allowance, policy="wrong-keys")
    return problem_response(path, _TOO_MANY, headers=headers | told)


def _is_guarded(path: str) -> bool:
    return path.startswith(PREFIX) and path not in OPEN_PATHS


def _presented(headers: Headers) -> str:
    given = headers.get("x-api-key")
    if given is not None:
        return given
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
