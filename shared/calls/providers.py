"""Providers of images as the generator uses them, and as the ledger has seen them."""

from datetime import date
from typing import Literal

from pydantic import AwareDatetime, Field

from shared.calls.attempts import AttemptKind
from shared.calls.base import Asked, Nothing
from shared.content import BlobRef, BucketKey, Generation, Score, SubjectToken, Value
from shared.rpc import Call


class ProviderState(Value):
    """One provider, as the replica that answers sees it."""

    name: str
    model: str = ""
    level: int = Field(ge=1, le=2, description="1: asked first; 2: a fallback")
    breaker: Literal["closed", "open", "half_open"]
    retry_after_s: float = Field(default=0, ge=0, description="until a call may be made again")
    keeps_likeness: bool = Field(description="whether it applies the avatar's weights")
    in_flight: int = Field(ge=0)
    concurrency: int = Field(ge=1, description="most calls at a time from this replica")
    max_in_flight: int | None = Field(default=None, description="from all replicas together")
    price_usd_micros: int = Field(ge=0, description="for an image of 1024 by 1024")
    price_read: date | None = Field(default=None, description="when the price was looked up")


class ProviderStates(Value):
    """All providers in the order of the settings."""

    strategy: str
    providers: tuple[ProviderState, ...]


class ProviderRecord(Value):
    """What all replicas' calls of the last hour came to."""

    provider: str
    kind: AttemptKind = Field(default="image", description="what it is asked for")
    calls: int = Field(ge=0)
    success_rate: Score
    median_ms: int | None = Field(default=None, description="of successes")
    p95_ms: int | None = None
    cost_usd_micros: int = Field(ge=0)
    unknown: int = Field(ge=0, description="calls of which nobody knows how they ended")


class ProviderRecordList(Value):
    """One for every provider that was called."""

    records: tuple[ProviderRecord, ...]


class FindSubstitute(Asked):
    """Ask for an earlier image in place of one that no provider can make."""

    task_id: SubjectToken
    piece_id: SubjectToken
    run: int = Field(ge=1)
    own_only: bool = Field(
        default=False, description="only what was bought for the very piece, nobody else's image"
    )


class FoundSubstitute(Value):
    """What was bought for the piece before, or a delivered piece of its avatar and tier.

    `image` is the piece's own, in staging. Otherwise the same piece is chosen whenever it is asked
    again for the same one. Nothing at all: there is none.
    """

    image: BlobRef | None = None

    piece_id: str | None = None
    object_key: BucketKey | None = None
    generation: Generation | None = Field(default=None, description="of that image")


class ListAttempts(Asked):
    """Provider calls, newest first; `unknown` lists those that wait to be reconciled."""

    outcome: Literal["open", "succeeded", "failed", "unknown"] | None = None
    provider: str | None = Field(default=None, max_length=64)
    piece_id: SubjectToken | None = None
    cursor: str | None = None
    limit: int = Field(default=20, ge=1, le=100)


class ReconcileAttempt(Asked):
    """Say how an `unknown` call ended, as the provider's bill tells.

    `charged` cost `cost_usd_micros`, though its image never came; `not_charged` cost nothing.
    It stays `unknown`; the same answer again changes nothing. Problems: `attempt_not_found`,
    `attempt_not_unknown` (ended, or reconciled with another cost), `invalid_request` (a charge of
    nothing, or a cost without a charge).
    """

    attempt_id: SubjectToken
    result: Literal["charged", "not_charged"]
    cost_usd_micros: int = Field(default=0, ge=0, le=100_000_000)
    by: SubjectToken = Field(description="id of the API key that says so")
    note: str = Field(default="", max_length=500)


class BookedAttempt(Value):
    """One provider call as it stands in the books."""

    attempt_id: str
    kind: AttemptKind = "image"
    number: int
    task_id: str
    piece_id: str
    avatar_id: str | None = None
    run: int
    provider: str
    outcome: str
    error_code: str | None = None
    detail: str = ""
    call_id: str | None = None
    cost_usd_micros: int = 0
    duration_ms: int | None = None
    opened_at: AwareDatetime
    settled_at: AwareDatetime | None = None
    reconciled_at: AwareDatetime | None = None
    reconciled_by: str | None = None
    reconcile_note: str | None = None


class AttemptPage(Value):
    """Some calls, and where to go on."""

    attempts: tuple[BookedAttempt, ...]
    next_cursor: str | None = None


LIST_PROVIDERS = Call("generator.providers", Nothing, ProviderStates)
PROVIDER_RECORDS = Call("ledger.provider.records", Nothing, ProviderRecordList)
FIND_SUBSTITUTE = Call("ledger.piece.substitute", FindSubstitute, FoundSubstitute)
LIST_ATTEMPTS = Call("ledger.attempt.list", ListAttempts, AttemptPage)
RECONCILE_ATTEMPT = Call("ledger.attempt.reconcile", ReconcileAttempt, BookedAttempt)
