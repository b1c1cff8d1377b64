"""What the generator needs from the outside."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from shared.calls import AttemptAnswer
from shared.content import Brief
from shared.events import AttemptSettled, ContentRequested


@dataclass(frozen=True, slots=True)
class MadeImage:
    """What a provider returned, checked: an image of the wanted size, and how it was made."""

    data: bytes
    media_type: str
    model: str
    seed: int
    steps: int
    cfg_scale: float
    lora_applied: bool
    lora_scale: float
    cost_usd_micros: int
    preview: bool = False


PreparedCall = Callable[[], Awaitable[MadeImage]]
"""A call that is ready to be made, at most once. Raises ProviderFailure."""


class Provider(Protocol):
    """Somebody who makes images."""

    @property
    def name(self) -> str:
        """As in settings and records, for example `modal_sdxl_lora`."""
        ...

    @property
    def call_limit_s(self) -> float:
        """No call takes longer than this."""
        ...

    async def prepare(self, brief: Brief) -> PreparedCall:
        """Gather what the call for `brief` needs from our own side, spending nothing.

        Raises TryLater when our side is not ready: that is no failure of the provider.
        """
        ...


class LoraLinks(Protocol):
    """Where a worker may fetch an avatar's weights, for a quarter of an hour."""

    async def sign(self, key: str) -> str:
        """A link to the weights with this bucket key. Raises TryLater and GiveUp."""
        ...


class Attempts(Protocol):
    """The ledger's say over every provider call."""

    async def open(
        self, event: ContentRequested, provider: Provider, *, lost_attempt_id: str | None = None
    ) -> AttemptAnswer:
        """Ask before calling. Raises TryLater when nobody answers: no answer, no call.

        `lost_attempt_id` tells of an earlier success whose bytes are gone.
        """
        ...

    async def settle(self, settled: AttemptSettled) -> None:
        """Record how a call ended and what it cost. Raises TryLater."""
        ...
