"""The facts of the pipeline. A fact is written once and never changed.

A version only gains optional fields. A breaking change is a new class with a new `VERSION`,
published beside the old one until every consumer has moved.
"""

from typing import ClassVar, Literal, Self

from pydantic import AwareDatetime, Field

from shared.content import (
    BlobRef,
    Brief,
    Captions,
    Delivery,
    Generation,
    Lane,
    Sha256,
    SubjectToken,
    Value,
    Verdict,
)


class Fact(Value):
    """Something that happened. `NAME` is its subject root, `subject_tokens` what follows it."""

    NAME: ClassVar[str]
    VERSION: ClassVar[int] = 1

    tenant: SubjectToken

    @property
    def subject_tokens(self) -> tuple[str, ...]:
        """The part of the subject that tells this fact from all others of its kind."""
        raise NotImplementedError


class TaskFact(Fact):
    """A fact about a task or one of its pieces. Work on it stops for good at `deadline_at`."""

    task_id: SubjectToken
    deadline_at: AwareDatetime

    @property
    def subject_tokens(self) -> tuple[str, ...]:
        return (self.tenant, self.task_id)


class PieceFact(TaskFact):
    """A fact about one run of one piece."""

    piece_id: SubjectToken
    run: int = Field(ge=1)
    accepted_at: AwareDatetime
    brief: Brief

    @property
    def subject_tokens(self) -> tuple[str, ...]:
        return (self.tenant, self.task_id, self.piece_id, str(self.run))

    @classmethod
    def following(cls, earlier: "PieceFact", **news: object) -> Self:
        """Build the next fact of the same piece: what `earlier` knew, and the news."""
        known = {name: getattr(earlier, name) for name in type(earlier).model_fields}
        return cls.model_validate(
            {name: value for name, value in (known | news).items() if name in cls.model_fields}
        )


class ContentRequested(PieceFact):
    """An accepted piece waits to be generated."""

    NAME = "content.requested"
    lane: Lane = Lane.BULK

    @property
    def subject_tokens(self) -> tuple[str, ...]:
        return (self.lane.value, *super().subject_tokens)


class ImageGenerated(PieceFact):
    """An image exists in private staging."""

    NAME = "image.generated"
    image: BlobRef
    generation: Generation


class ContentHooked(ImageGenerated):
    """Captions are written, or the order had turned them off."""

    NAME = "content.hooked"
    captions: Captions


class ContentModerated(ContentHooked):
    """Moderation has spoken about image and captions."""

    NAME = "content.moderated"
    verdict: Verdict


class ContentStored(ContentModerated):
    """The piece's files are where its verdict allows them to be."""

    NAME = "content.stored"
    delivery: Delivery


class ContentHalted(PieceFact):
    """A step cannot go on with this piece. The ledger decides what that means."""

    NAME = "content.halted"
    stage: str
    reason: str = Field(description="stable code, for example `deadline` or `invalid_prompt`")
    detail: str = ""
    verdict: Verdict | None = None


class PieceEnded(TaskFact):
    """How a piece ended; written by the ledger alone."""

    piece_id: SubjectToken
    run: int = Field(ge=1)
    avatar_id: SubjectToken
    staged: tuple[BlobRef, ...] = Field(default=(), description="private bytes no longer needed")

    @property
    def subject_tokens(self) -> tuple[str, ...]:
        return (self.tenant, self.task_id, self.piece_id, str(self.run))


class ContentPersisted(PieceEnded):
    """The piece is recorded and may be shown."""

    NAME = "content.persisted"
    image_sha256: Sha256
    object_key: str


class ContentRejected(PieceEnded):
    """Moderation refused the piece."""

    NAME = "content.rejected"
    reason: str


class ContentFailed(PieceEnded):
    """The piece could not be made."""

    NAME = "content.failed"
    reason: str
    detail: str = ""


class DeliveryWithdrawn(TaskFact):
    """Delivered files must go: they lost to an earlier end, or their avatar was deleted."""

    NAME = "delivery.withdrawn"
    piece_id: SubjectToken
    run: int = Field(ge=1)
    object_keys: tuple[str, ...]
    reason: Literal["superseded", "avatar_deleted"]

    @property
    def subject_tokens(self) -> tuple[str, ...]:
        return (self.tenant, self.task_id, self.piece_id, f"{self.run}-{self.reason}")


class TaskCompleted(TaskFact):
    """Every piece of a task has ended or waits for review."""

    NAME = "task.completed"
    avatar_id: SubjectToken
    state: Literal["completed", "failed", "cancelled"]
    total: int
    persisted: int
    rejected: int
    failed: int
    pending_review: int


class AttemptSettled(TaskFact):
    """A provider call has ended, for better or worse, and this is what it cost."""

    NAME = "attempt.settled"
    piece_id: SubjectToken
    run: int = Field(ge=1)
    attempt_id: SubjectToken
    provider: str
    outcome: Literal["succeeded", "failed", "unknown"]
    error_code: str | None = None
    detail: str = ""
    duration_ms: int = Field(ge=0)
    cost_usd_micros: int = Field(ge=0)
    image: BlobRef | None = None
    generation: Generation | None = None

    @property
    def subject_tokens(self) -> tuple[str, ...]:
        return (self.tenant, self.task_id, self.piece_id, self.attempt_id)


FACTS: tuple[type[Fact], ...] = (
    ContentRequested,
    ImageGenerated,
    ContentHooked,
    ContentModerated,
    ContentStored,
    ContentHalted,
    ContentPersisted,
    ContentRejected,
    ContentFailed,
    DeliveryWithdrawn,
    TaskCompleted,
    AttemptSettled,
)
