"""OpenAI's SDK on a client of ours: no retries, no redirects, no endless answers."""

from typing import Any

import httpx2
from openai import AsyncOpenAI

from services.generator.adapters.vendor_http import CONNECT_S, MOST_BYTES
from services.generator.domain.failures import ProviderFailure


class BoundedClient(httpx2.AsyncClient):
    """Reads every answer whole, up to `most_bytes`; the SDK itself would read any number.

    Raises ProviderFailure for a longer one, which the SDK lets pass.
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
                    raise ProviderFailure("BAD_RESPONSE", much, outcome="unknown")
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


def openai_client(*, api_key: str, base_url: str, read_timeout_s: float) -> AsyncOpenAI:
    """A client whose retries are the handler's decision; close it at the end."""
    timeout = httpx2.Timeout(read_timeout_s, connect=CONNECT_S)
    return AsyncOpenAI(
        api_key=api_key,
        base_url=base_url,
        timeout=timeout,
        max_retries=0,
        http_client=BoundedClient(timeout=timeout, follow_redirects=False),
    )
