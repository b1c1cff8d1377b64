"""One exchange with a vendor over HTTP: bounded, never redirected, its failures in our words."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Literal

import httpx2

from services.generator.domain.failures import ProviderFailure
from shared.factlog import utc_now

MOST_BYTES = 64 * 2**20
CONNECT_S = 10.0

# Until somebody sees to it, every call would end like this one: that is no piece's fault.
_CODES = {401: "UNAUTHORIZED", 402: "NO_CREDIT", 403: "UNAUTHORIZED", 429: "RATE_LIMITED"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole."""

    status: int
    headers: httpx2.Headers
    body: bytearray

    @property
    def retry_after_s(self) -> float | None:
        """Seconds from a Retry-After header in either of its forms (RFC 9110, section 10.2.3)."""
        value = self.headers.get("retry-after")
        if value is None:
            return None
        if value.strip().isascii() and value.strip().isdigit():
            return float(value)
        try:
            return max(0.0, (parsedate_to_datetime(value) - utc_now()).total_seconds())
        except (TypeError, ValueError):
            return None

    def failure(self, *, code: str | None = None, detail: str = "") -> ProviderFailure:
        """The failure that a status other than 200 means, where the vendor names none."""
        return ProviderFailure(
            code or _code_of(self.status),
            f"HTTP {self.status} {detail}".strip(),
            retry_after_s=self.retry_after_s,
        )


def vendor_client(read_timeout_s: float) -> httpx2.AsyncClient:
    """A client for vendors. A redirect would carry tokens and weights' links to somebody else."""
    timeout = httpx2.Timeout(read_timeout_s, connect=CONNECT_S)
    return httpx2.AsyncClient(timeout=timeout, follow_redirects=False)


async def exchange(
    client: httpx2.AsyncClient,
    method: str,
    url: str,
    *,
    json: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    costs: bool = False,
    most_bytes: int = MOST_BYTES,
) -> Answer:
    """Send a request and read the whole answer. Raises ProviderFailure, never for a status.

    `costs`: once it was sent, the vendor may have done, and billed, the work. How long all of it
    may take is the caller's to say.
    """
    outcome: Literal["failed", "unknown"] = "unknown" if costs else "failed"
    try:
        async with client.stream(method, url, json=json, headers=dict(headers or {})) as response:
            body = await _bounded(response, most_bytes)
            return Answer(response.status_code, response.headers, body)
    except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as exc:
        raise ProviderFailure("CONNECTION", type(exc).__name__) from exc
    except httpx2.TimeoutException as exc:
        raise ProviderFailure("TIMEOUT", type(exc).__name__, outcome=outcome) from exc
    except httpx2.TransportError as exc:
        raise ProviderFailure("CONNECTION", type(exc).__name__, outcome=outcome) from exc
    except httpx2.HTTPError as exc:
        raise ProviderFailure("BAD_RESPONSE", type(exc).__name__) from exc


async def _bounded(response: httpx2.Response, most_bytes: int) -> bytearray:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > most_bytes:
            raise ProviderFailure("BAD_RESPONSE", f"more than {most_bytes} bytes")
    return body


def _code_of(status: int) -> str:
    if (code := _CODES.get(status)) is not None:
        return code
    return "SERVER_ERROR" if status >= 500 else "REFUSED"
