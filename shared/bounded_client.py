"""The HTTP client under vendors' SDKs: no redirects, no endless answers."""

from collections.abc import Callable
from typing import Any

import httpx2

_OF_THE_BODY_AS_SENT = frozenset({"content-encoding", "content-length", "transfer-encoding"})


class BoundedClient(httpx2.AsyncClient):
    """Reads every answer whole, up to `most_bytes`; the SDKs themselves would read any number.

    Raises what `too_long` makes of the detail for a longer one, which the SDKs let pass. A redirect
    would carry the key to somebody else.
    """

    most_bytes: int = 2**20

    def __init__(self, timeout: httpx2.Timeout, too_long: Callable[[str], Exception]) -> None:
        super().__init__(timeout=timeout, follow_redirects=False)
        self._too_long = too_long

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        response = await super().send(request, **(options | {"stream": True}))
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > self.most_bytes:
                    raise self._too_long(f"more than {self.most_bytes} bytes")
        finally:
            await response.aclose()
        # Decoded already, and of a length of its own.
        plain = [
            (name, value)
            for name, value in response.headers.multi_items()
            if name.lower() not in _OF_THE_BODY_AS_SENT
        ]
        return httpx2.Response(
            response.status_code, headers=plain, content=bytes(body), request=request
        )
