"""Nobody reaches the API without a valid key; the key also tells whose things are asked for."""

import hmac

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from services.gateway.handler.problems import problem_response, unavailable
from services.gateway.ports import Keys
from shared.api_keys import PlainKey
from shared.calls import ApiKey
from shared.outcomes import TryLater
from shared.problems import ProblemDetails

PREFIX = "/api/"
OPEN_PATHS = frozenset({"/api/v1/openapi.json"})

_REFUSED = ProblemDetails(
    code="unauthorized",
    status=401,
    detail="Send a valid API key in the header X-API-Key, or as a bearer token.",
)


class RequireApiKey:
    """Middleware: looks at the key before the body is read, also for paths that do not exist."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _is_guarded(scope["path"]):
            await self._app(scope, receive, send)
            return
        try:
            key = await _authenticate(scope["app"].state.door.keys, Headers(scope=scope))
        except TryLater:
            response = unavailable(scope["path"], "Keys cannot be checked now; try again soon.")
            await response(scope, receive, send)
            return
        if key is None:
            headers = {"WWW-Authenticate": 'Bearer realm="atelier"'}
            response = problem_response(scope["path"], _REFUSED, headers=headers)
            await response(scope, receive, send)
            return
        scope.setdefault("state", {})["key"] = key
        await self._app(scope, receive, send)


async def _authenticate(keys: Keys, headers: Headers) -> ApiKey | None:
    given = PlainKey.read(_presented(headers))
    if given is None:
        return None
    key = await keys.find(given.key_id)
    # Compared even when there is no such key, so that time does not tell which ids exist.
    known = key.secret_sha256 if key else "0" * 64
    is_right = hmac.compare_digest(given.secret_sha256, known)
    return key if is_right else None


def _is_guarded(path: str) -> bool:
    return path.startswith(PREFIX) and path not in OPEN_PATHS


def _presented(headers: Headers) -> str:
    given = headers.get("x-api-key")
    if given is not None:
        return given
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
