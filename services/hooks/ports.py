"""What the hooks service needs from outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.hooks.domain.commission import Commission
from services.hooks.domain.prices import TokenPrice, Usage
from services.hooks.domain.sorting import Item
from shared.calls import AttemptAnswer
from shared.content import Brief, Tier
from shared.events import AttemptSettled, ImageGenerated


class Copywriter(Protocol):
    """Somebody who writes captions for one piece, at once and for nothing."""

    async def draft(self, brief: Brief, piece_id: str, *, count: int) -> Sequence[str]:
        """Up to `count` drafts, best first; the same piece always gets the same ones or better."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model returned, not yet looked at, and what it used for it."""

    items: tuple[Item, ...]
    model: str
    usage: Usage


class CaptionModel(Protocol):
    """A language model that writes captions for many pieces in one call."""

    @property
    def name(self) -> str:
        """As in settings and records, for example `anthropic`."""
        ...

    @property
    def call_limit_s(self) -> float:
        """No call takes longer than this."""
        ...

    @property
    def price(self) -> TokenPrice:
        """What its tokens cost."""
        ...

    async def write(self, commission: Commission) -> Answer:
        """Ask once. Raises CopyFailure and nothing else."""
        ...


@dataclass(frozen=True, slots=True)
class CallTerms:
    """Whom a call goes to, and how long it may take."""

    provider: str
    limit_s: float


class Attempts(Protocol):
    """The ledger's say over every paid call."""

    async def open(self, event: ImageGenerated, terms: CallTerms) -> AttemptAnswer:
        """Ask before calling. Raises TryLater when nobody answers: no answer, no call."""
        ...

    async def settle(self, settled: AttemptSettled) -> None:
        """Record how a call ended and what it cost. Raises TryLater."""
        ...


@dataclass(frozen=True, slots=True)
class Text:
    """Words that are looked at, for a piece of this tier."""

    words: str
    tier: Tier


class TextScreen(Protocol):
    """Whoever says which words nobody may read."""

    async def passes(
        self, texts: Sequence[Text], *, tenant: str, consented_name: str | None
    ) -> Sequence[bool]:
        """Whether each text is let through, in their order. Raises TryLater: that is no pass."""
        ...
