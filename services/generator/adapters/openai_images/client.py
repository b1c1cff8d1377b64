"""OpenAI's SDK on a client of ours: no retries, no redirects, no endless answers."""

import httpx2
from openai import AsyncOpenAI

from services.generator.adapters.vendor_http import CONNECT_S, MOST_BYTES
from services.generator.domain.failures import ProviderFailure
from shared import bounded_client


class BoundedClient(bounded_client.BoundedClient):
    """Images are longer than other answers."""

    most_bytes = MOST_BYTES


def openai_client(*, api_key: str, base_url: str, read_timeout_s: float) -> AsyncOpenAI:
    """A client whose retries are the handler's decision; close it at the end."""
    timeout = httpx2.Timeout(read_timeout_s, connect=CONNECT_S)
    return AsyncOpenAI(
        api_key=api_key,
        base_url=base_url,
        timeout=timeout,
        max_retries=0,
        http_client=BoundedClient(timeout, _too_long),
    )


def _too_long(detail: str) -> ProviderFailure:
    return ProviderFailure("BAD_RESPONSE", detail, outcome="unknown")
