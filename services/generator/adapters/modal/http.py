"""One worker over HTTP: what it is sent, and how a result is waited for."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import httpx2
from pydantic import SecretStr, StringConstraints

from services.generator.adapters.modal.wire import Reply, failure_of, refusal_in
from services.generator.adapters.vendor_http import Answer, exchange
from services.generator.domain.failures import ProviderFailure

SEE_OTHER = 303
_GONE = frozenset({404, 410})
# Seen every two seconds, enough for the longest call that the settings allow.
_MOST_REDIRECTS = 500
_LONGEST_PAUSE_S = 60.0
_PASSING = frozenset({"CONNECTION", "TIMEOUT"})

CallId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,200}$")]
"""It becomes part of an address."""


@dataclass(frozen=True, slots=True)
class Pace:
    """So many seconds pass between two looks for a result."""

    every_s: float = 2.0
    sleep: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep)

    async def rest(self, asked_s: float | None) -> None:
        """Wait that long, or longer if asked to."""
        await self.sleep(min(max(asked_s or 0.0, self.every_s), _LONGEST_PAUSE_S))


@dataclass(frozen=True, slots=True)
class WorkerHttp:
    """The token goes to the origin of `url` and nowhere else.

    A look for a result takes `look_s` at most.
    """

    client: httpx2.AsyncClient
    url: str
    token: SecretStr | None
    pace: Pace
    look_s: float

    async def post(self, url: str, order: Mapping[str, Any]) -> Answer:
        """Order something. Raises ProviderFailure, never for a status."""
        return await exchange(
            self.client, "POST", url, json=order, headers=self._headers, costs=True
        )

    async def result_at(self, url: str, not_yet: frozenset[int]) -> Answer:
        """The first answer there that says more than "later". Ends only with somebody's limit.

        Redirects on the same origin are followed. A status in `not_yet` and a connection that
        fails mean "later". Raises ProviderFailure.
        """
        redirects = 0
        while True:
            answer = await self._look(url)
            if answer is not None and answer.status == SEE_OTHER:
                redirects += 1
                url = further(url, answer)
            elif answer is not None and not _means_later(answer, not_yet):
                return answer
            if redirects > _MOST_REDIRECTS:
                raise _astray("too many redirects")
            await self.pace.rest(answer.retry_after_s if answer is not None else None)

    @property
    def _headers(self) -> dict[str, str]:
        if self.token is None:
            return {}
        return {"Authorization": f"Bearer {self.token.get_secret_value()}"}

    async def _look(self, url: str) -> Answer | None:
        try:
            async with asyncio.timeout(self.look_s):
                return await exchange(self.client, "GET", url, headers=self._headers, costs=True)
        except TimeoutError:
            return None
        except ProviderFailure as failure:
            if failure.code not in _PASSING:
                raise
            return None


def reply_in(answer: Answer) -> Reply:
    """What became of an order that was taken on. Raises ProviderFailure.

    Whoever cannot say, or lets nobody ask, has perhaps carried it out.
    """
    if answer.status == 200:
        return answer.body
    if answer.status in _GONE:
        raise ProviderFailure("SERVER_ERROR", "the call is not known there", outcome="unknown")
    failure = failure_of(answer)
    if answer.status < 500 and refusal_in(answer.body) is None:
        failure.outcome = "unknown"
    raise failure


def further(url: str, answer: Answer) -> str:
    """Where a redirect leads on the very origin it comes from. Raises ProviderFailure."""
    here, location = httpx2.URL(url), answer.headers.get("location", "")
    try:
        there = here.join(location)
    except httpx2.InvalidURL as exc:
        raise _astray("a redirect to no address") from exc
    if not location or _origin(there) != _origin(here):
        raise _astray("a redirect to elsewhere")
    # Only path and query are taken over: an address may carry names and passwords, too.
    return str(here.copy_with(raw_path=there.raw_path, fragment=None))


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _astray(detail: str) -> ProviderFailure:
    return ProviderFailure("BAD_RESPONSE", detail, outcome="unknown")


def _means_later(answer: Answer, not_yet: frozenset[int]) -> bool:
    if answer.status >= 500 and refusal_in(answer.body) is not None:
        return False
    return answer.status in not_yet
