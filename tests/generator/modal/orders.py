"""The provider under test, and orders for it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import httpx2
import pytest
from pydantic import SecretStr

from services.generator.adapters.image_gate import PillowGate
from services.generator.adapters.modal.http import Pace
from services.generator.adapters.modal.provider import ModalProvider, endpoint
from services.generator.domain.failures import ProviderFailure, RetryPolicy
from services.generator.domain.prices import Price
from services.generator.handler.buying import BuyImage
from services.generator.handler.generation import GenerateImage
from services.generator.handler.outage import Outage
from services.generator.handler.route import Limits, Route
from services.generator.handler.routing import Routing
from services.generator.ports import MadeImage, Provider, ResumableProvider
from shared.content import Brief
from tests.builders import brief
from tests.fakes import MemoryBlobs
from tests.generator.fakes import EarlierImages, RecordingAttempts
from tests.generator.worker_stub import PATH

PRICE = Price(source="a test", read=date(2026, 11, 21), per_image_usd_micros=10_000)
TOKEN = "canary-worker-token"
LINK = "http://127.0.0.1/loras/a.safetensors?expires=1&signature=canary"
Mode = Literal["sync", "async"]


@dataclass
class Links:
    """Signs the same link again and again."""

    fresh: list[bool] = field(default_factory=list)

    async def sign(self, key: str, *, fresh: bool = False) -> str:
        self.fresh.append(fresh)
        return LINK


@dataclass
class Rests:
    """How long somebody would have slept; instead of that, they sleep for `really_s`."""

    really_s: float = 0.0
    seconds: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await asyncio.sleep(self.really_s)


@dataclass
class Notes:
    """What was noted of a call."""

    ids: list[str] = field(default_factory=list)

    async def __call__(self, call_id: str) -> None:
        self.ids.append(call_id)


def worker_at(
    client: httpx2.AsyncClient,
    url: str,
    mode: Mode = "sync",
    *,
    rests: Rests | None = None,
    limit_s: float = 2.0,
    links: Links | None = None,
) -> ModalProvider:
    return ModalProvider(
        client,
        url=endpoint(url, PATH),
        token=SecretStr(TOKEN),
        lora_links=links or Links(),
        timeout_s=limit_s,
        price=PRICE,
        mode=mode,
        pace=Pace(2.0, rests or Rests()),
    )


async def made_by(
    provider: Provider, notes: Notes | None = None, order: Brief | None = None
) -> MadeImage:
    """Order one image, within the provider's limit."""
    call = await provider.prepare(order or brief())
    async with asyncio.timeout(provider.call_limit_s):
        return await call(notes or Notes())


async def failure_of(provider: Provider, notes: Notes | None = None) -> ProviderFailure:
    with told_nothing() as caught:
        await made_by(provider, notes)
    return caught.value


async def resumed_by(provider: ResumableProvider, call_id: str) -> MadeImage:
    """Go on waiting, within the provider's limit."""
    async with asyncio.timeout(provider.call_limit_s):
        return await provider.resume(brief(), call_id)


@contextmanager
def told_nothing() -> Iterator[pytest.ExceptionInfo[ProviderFailure]]:
    """A failure that tells neither token nor link, however it is printed."""
    with pytest.raises(ProviderFailure) as caught:
        yield caught
    assert "canary" not in f"{caught.value} {caught.value.detail} {caught.value.code}"
    assert "canary" not in str(caught.getrepr(style="native"))


@dataclass
class Asking:
    """A handler that asks one provider, and what it left on record."""

    provider: Provider
    attempts: RecordingAttempts = field(default_factory=RecordingAttempts)
    rests: Rests = field(default_factory=Rests)

    @property
    def handler(self) -> GenerateImage:
        resumable = {}
        if isinstance(self.provider, ResumableProvider):
            resumable[self.provider.name] = self.provider
        return GenerateImage(
            routing=Routing([Route(self.provider, Limits(8, policy=RetryPolicy(3)))]),
            buy=BuyImage(self.attempts, MemoryBlobs(), PillowGate(), resumable, sleep=self.rests),
            substitutes=EarlierImages(),
            outage=Outage(patience_s=0),
            sleep=self.rests,
        )

    @property
    def record(self) -> list[tuple[str, str | None]]:
        return [(each.outcome, each.error_code) for each in self.attempts.settled]
