"""Nobody orders without the token, where there is one; everybody may see how the worker is."""

import hmac
from hashlib import sha256

from fastapi.responses import JSONResponse
from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from services.generator.worker.refusals import DoorCode, Refusal

OPEN_PATHS = frozenset({"/health"})


class RequireToken:
    """Middleware: looks at the token before the body is read, also for paths that do not exist."""

    def __init__(self, app: ASGIApp, *, token: SecretStr) -> None:
        self._app = app
        self._expected = _digest(token.get_secret_value())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS or self._is_shown(scope):
            await self._app(scope, receive, send)
            return
        refusal = Refusal(DoorCode.UNAUTHORIZED, "Send the worker's token as a bearer token.")
        answer = JSONResponse(refusal.body, refusal.status, refusal.headers)
        await answer(scope, receive, send)

    def _is_shown(self, scope: Scope) -> bool:
        scheme, _, given = Headers(scope=scope).get("authorization", "").partition(" ")
        # Digests have one length: what is compared takes the same time for every token.
        is_right = hmac.compare_digest(_digest(given.strip()), self._expected)
        return is_right and scheme.lower() == "bearer"


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()
