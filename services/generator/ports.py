"""What the generator needs from the outside."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from services.generator.domain.prices import Price
from services.generator.domain.track import Measured
from shared.calls import AttemptAnswer
from shared.content import BlobRef, Brief, Generation, Lane, MadeWith
from shared.events import AttemptSettled, ContentRequested


@dataclass(frozen=True, slots=True)
class MadeImage:
    """What a provider returned, not yet looked at: encoded bytes, and how they were made.

    `cost_usd_micros` is what the provider charges for it, of use or not.
    """

    data: bytes
    model: str
    seed: int
    steps: int
    cfg_scale: float
    lora_applied: bool
    lora_scale: float
    cost_usd_micros: int
    preview: bool = False
    made_with: MadeWith | None = None


NoteCallId = Callable[[str], Awaitable[None]]
"""Keeps the vendor's id of a submitted call, so that another process can go on waiting for it.

To be awaited after submitting and before waiting. Raises TryLater: the call then goes on without
anybody who waits, and whoever is next resumes nothing.
"""

PreparedCall = Callable[[NoteCallId], Awaitable[MadeImage]]
"""A call that is ready to be made, at most once. Raises ProviderFailure."""


class Provider(Protocol):
    """Somebody who makes images."""

    @property
    def name(self) -> str:
        """As in settings and records, for example `modal_sdxl_lora`."""
        ...

    @property
    def call_limit_s(self) -> float:
        """No call takes longer than this, waiting for a submitted one included."""
        ...

    @property
    def keeps_likeness(self) -> bool:
        """Whether its images show the avatar: it applies the avatar's weights."""
        ...

    async def prepare(self, brief: Brief, *, fresh_link: bool = False) -> PreparedCall:
        """Gather what the call for `brief` needs from our own side, spending nothing.

        `fresh_link`: the last link to the weights did not work. Raises TryLater when our side is
        not ready: that is no failure of the provider.
        """
        ...

    @property
    def model(self) -> str:
        """The model it is asked for, as the vendor names it; empty where the worker decides."""
        ...

    @property
    def price(self) -> Price:
        """What an image costs there."""
        ...


@runtime_checkable
class LanedProvider(Provider, Protocol):
    """Somebody in whose own queue callers who wait overtake batches."""

    async def prepare_in(
        self, lane: Lane, brief: Brief, *, fresh_link: bool = False
    ) -> PreparedCall:
        """`prepare`, for the queue of this lane."""
        ...


@runtime_checkable
class ResumableProvider(Provider, Protocol):
    """Somebody whose calls are submitted, and waited for by their id."""

    async def resume(self, brief: Brief, call_id: str) -> MadeImage:
        """Go on waiting for a call that was submitted for `brief`. Raises ProviderFailure."""
        ...


class LoraLinks(Protocol):
    """Where a worker may fetch an avatar's weights, for a quarter of an hour."""

    async def sign(self, key: str, *, fresh: bool = False) -> str:
        """A link to the weights with this bucket key. Raises TryLater and GiveUp.

        Calls may share a link that is still young, unless it has to be `fresh`.
        """
        ...


class ImageGate(Protocol):
    """Whoever looks at an image before it counts as generated."""

    async def media_type_of(self, made: MadeImage, brief: Brief) -> str:
        """The media type of an image that is what was ordered. Raises ProviderFailure."""
        ...


@dataclass(frozen=True, slots=True)
class CallTerms:
    """Whom a call goes to, how long it may take, and how many of them all replicas may make.

    With `lease_s` the call counts as over when this process has not said for so long that it goes
    on.
    """

    provider: str
    limit_s: float
    most_everywhere: int | None = None
    lease_s: float | None = None


class Attempts(Protocol):
    """The ledger's say over every provider call."""

    async def open(
        self, event: ContentRequested, terms: CallTerms, *, lost_attempt_id: str | None = None
    ) -> AttemptAnswer:
        """Ask before calling. Raises TryLater when nobody answers: no answer, no call.

        `lost_attempt_id` tells of an earlier success whose bytes are gone.
        """
        ...

    async def keep(self, event: ContentRequested, terms: CallTerms, attempt_id: str) -> None:
        """Say that a call of this process goes on. Raises TryLater."""
        ...

    async def note_call(self, event: ContentRequested, attempt_id: str, call_id: str) -> None:
        """Keep the vendor's id of a submitted call. Raises TryLater."""
        ...

    async def settle(self, settled: AttemptSettled) -> None:
        """Record how a call ended and what it cost. Raises TryLater."""
        ...


class ProviderRecords(Protocol):
    """What all replicas together have measured."""

    async def measured(self) -> Mapping[str, Measured]:
        """By provider, of the last hour. Raises TryLater."""
        ...


@dataclass(frozen=True, slots=True)
class Substitute:
    """An image in staging for a piece that nobody can make now.

    An approved one of the same avatar and tier, of the delivered piece `piece_id`; or, where that
    is None, what was bought for this very piece before.
    """

    piece_id: str | None
    image: BlobRef
    generation: Generation


class Substitutes(Protocol):
    """Images that are there already, for when no provider can serve."""

    async def find(self, event: ContentRequested, *, own_only: bool = False) -> Substitute | None:
        """The ledger's choice for this piece, or None. Raises TryLater.

        `own_only`: nobody else's image.
        """
        ...
