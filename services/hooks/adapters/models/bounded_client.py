"""The HTTP client under the vendors' SDKs: no redirects, no endless answers."""

from typing import Any

import httpx2

from services.hooks.domain.failures import CopyFailure

MOST_BYTES = 2**20
CONNECT_S = 5.0


class BoundedClient(httpx2.AsyncClient):
    """Reads every answer whole, up to `most_bytes`; the SDKs themselves would read any number.

    Raises CopyFailure for a longer one, which the SDKs let pass.
    """

    most_bytes: int = MOST_BYTES

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        response = await super().send(request, **(options | {"stream": True}))
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > self.most_bytes:
                    much = f"more than {self.most_bytes} bytes"
                    raise CopyFailure("BAD_RESPONSE", much, outcome="unknown")
        finally:
            await response.aclose()
        # Decoded already, and of a length of its own.
        plain = [
            (name, value)
            for name, value in response.headers.multi_items()
            if name.lower() not in {"content-encoding", "content-length", "transfer-encoding"}
        ]
        return httpx2.Response(
            response.status_code, headers=plain, content=bytes(body), request=request
        )


def timeouts(read_s: float) -> httpx2.Timeout:
    """For connecting, and for every wait in between. The whole call has a limit of its own."""
    return httpx2.Timeout(read_s, connect=min(CONNECT_S, read_s))


def bounded_client(read_s: float) -> BoundedClient:
    """A redirect would carry the key to somebody else."""
    return BoundedClient(timeout=timeouts(read_s), follow_redirects=False)
