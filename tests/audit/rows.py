"""Rows of the books, as the auditor sees them. Times are seconds since 1970."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

IMAGE = "image"
CAPTIONS = "captions"
"""Kinds of what is bought."""


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task.

    An avatar that was deleted takes the rows of its pieces along; its tasks stay.
    """

    task_id: str
    state: str
    total: int
    accepted_at: float
    completed_at: float | None
    cancelled_at: float | None
    avatar_exists: bool


@dataclass(frozen=True, slots=True)
class PieceRow:
    """A piece. `held` are the keys of files that wait or waited for review, empty otherwise.

    `held_run` and `held_verdict` tell what was decided about; `verdict` is the whole one on record.
    """

    piece_id: str
    task_id: str
    index: int
    state: str
    run: int
    reason: str | None
    brief: Mapping[str, Any]
    verdict_decision: str | None
    verdict_sha256: str | None
    image_sha256: str | None
    held: tuple[str, ...]
    content_id: str | None
    deadline_at: float
    ended_at: float | None
    tenant: str = "default"
    verdict: Mapping[str, Any] | None = None
    held_run: int | None = None
    held_verdict: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ContentRow:
    """A delivered piece, and how its image came to be: made for it, or `cached` from another.

    `captions` are those that it is shown with, with who wrote them.
    """

    content_id: str
    task_id: str
    object_key: str
    thumbnail_key: str
    public: bool
    tier: str
    image_sha256: str
    source_sha256: str
    verdict_decision: str
    verdict_sha256: str
    attempt_id: str | None
    taken_down_at: float | None = None
    avatar_id: str = "avatar"
    delivered_at: float = 0.0
    source: str = "generated"
    cached_from: str | None = None
    degraded: bool = False
    cost_usd_micros: int = 0
    captions: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """A provider call for a `kind` of thing. `image_sha256` or `captions` are what it gave.

    `reconciled_at`: when a person said, with the bill in hand, what it had cost.
    """

    attempt_id: str
    number: int
    task_id: str
    piece_id: str
    run: int
    provider: str
    holder: str
    outcome: str
    cost_usd_micros: int
    lease_until: float
    opened_at: float
    settled_at: float | None
    image_sha256: str | None
    bytes_lost_at: float | None
    avatar_id: str | None = None
    reconciled_at: float | None = None
    kind: str = IMAGE
    captions: Mapping[str, Any] | None = None

    @property
    def hooks(self) -> tuple[str, ...]:
        """The captions that it gave; none if it gave an image, or nothing."""
        return tuple((self.captions or {}).get("hooks", ()))

    @property
    def is_unclear(self) -> bool:
        """Whether nobody knows yet what it gave, and what it cost."""
        return self.outcome == "open" or (self.outcome == "unknown" and not self.is_reconciled)

    @property
    def is_paid_in_vain(self) -> bool:
        """Whether the provider is said to have charged for what was of no use, or never came."""
        return self.cost_usd_micros > 0 and (self.outcome == "failed" or self.is_reconciled)

    @property
    def is_reconciled(self) -> bool:
        """Whether nobody saw its end, and a person has said what it cost."""
        return self.outcome == "unknown" and self.reconciled_at is not None


@dataclass(frozen=True, slots=True)
class OrderKeyRow:
    """What was ordered by a key."""

    key: str
    task_id: str


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A fact that waits to be published."""

    row_id: int
    fact: str
    created_at: float


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """A line of a piece's history."""

    piece_id: str
    run: int
    fact: str


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """What a reviewer has decided about a run of a piece."""

    piece_id: str
    run: int
    decision: str
    by: str


@dataclass(frozen=True, slots=True)
class AvatarRow:
    """An avatar, and since when nothing may be bought for it."""

    avatar_id: str
    frozen_at: float | None


@dataclass(frozen=True, slots=True)
class Books:
    """Every row that tells of orders, pieces and money."""

    tasks: tuple[TaskRow, ...] = ()
    pieces: tuple[PieceRow, ...] = ()
    contents: tuple[ContentRow, ...] = ()
    attempts: tuple[AttemptRow, ...] = ()
    order_keys: tuple[OrderKeyRow, ...] = ()
    outbox: tuple[OutboxRow, ...] = ()
    history: tuple[HistoryRow, ...] = ()
    decisions: tuple[DecisionRow, ...] = ()
    avatars: tuple[AvatarRow, ...] = ()
