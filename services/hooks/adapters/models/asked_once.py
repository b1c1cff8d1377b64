"""A vendor behind its SDK, asked once a call: what both copywriters have in common."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import httpx2

from services.hooks.adapters.models.troubles import of_connection, of_status
from services.hooks.adapters.price_file import KnownModel
from services.hooks.domain.commission import Commission
from services.hooks.domain.failures import CopyFailure
from services.hooks.domain.prices import TokenPrice
from services.hooks.ports import Answer
from shared.bounded_client import BoundedClient

_CONNECT_S = 5.0


class Answered(Protocol):
    """What both SDKs give where raw answers are asked for."""

    @property
    def http_response(self) -> httpx2.Response: ...


@dataclass(frozen=True, slots=True)
class Sdk:
    """The exceptions of an SDK, and the settings that are to blame for some statuses."""

    status_error: type[Any]
    any_error: type[Exception]
    settings: Mapping[int, str]


class AskedOnce(ABC):
    """Retries are the handler's decision. The whole call has a limit besides that of each wait."""

    name: ClassVar[str]
    sdk: ClassVar[Sdk]

    def __init__(self, model: KnownModel, timeout_s: float) -> None:
        self._model = model
        self._timeout_s = timeout_s

    @property
    def call_limit_s(self) -> float:
        return self._timeout_s

    @property
    def price(self) -> TokenPrice:
        return self._model.price

    async def write(self, commission: Commission) -> Answer:
        try:
            async with asyncio.timeout(self._timeout_s):
                answered = await self._ask(commission)
        except TimeoutError:
            limit = f"no answer within {self._timeout_s:.0f} s"
            raise CopyFailure("TIMEOUT", limit, outcome="unknown") from None
        except self.sdk.status_error as exc:
            # Not with its cause: that has the request, and the request has the key.
            status, headers = exc.status_code, exc.response.headers
            raise of_status(self.name, status, headers, exc.body, self.sdk.settings) from None
        except self.sdk.any_error as exc:
            raise of_connection(exc.__cause__ or exc) from None
        return self._read(answered.http_response.content)

    @abstractmethod
    def _ask(self, commission: Commission) -> Awaitable[Answered]:
        """Begin one call. Raises what the SDK raises."""

    @abstractmethod
    def _read(self, body: bytes) -> Answer:
        """The captions of an answer with status 200. Raises CopyFailure."""


def sdk_options(api_key: str, base_url: str, timeout_s: float) -> dict[str, Any]:
    """How either SDK's client is made."""
    timeout = httpx2.Timeout(timeout_s, connect=min(_CONNECT_S, timeout_s))
    return {
        "api_key": api_key,
        "base_url": base_url,
        "timeout": timeout,
        "max_retries": 0,
        "http_client": BoundedClient(timeout, _too_long),
    }


def _too_long(detail: str) -> CopyFailure:
    return CopyFailure("BAD_RESPONSE", detail, outcome="unknown")
