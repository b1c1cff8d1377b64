"""The facts of the pipeline. A fact is written once and never changed.

A version only gains optional fields. A breaking change is a new class with a new `VERSION`,
published beside the old one until every consumer has moved.
"""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AwareDatetime, Field, StringConstraints

from shared.content import (
    Asker,
    BlobRef,
    Brief,
    BucketKey,
    Captions,
    Delivery,
    Generation,
    Lane,
    Rating,
    Sha256,
    SubjectToken,
    Value,
    Verdict,
)
from shared.problems import ProblemDetails


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
        wanted = cls.model_fields
        return cls.model_validate(
            {name: value for name, value in (known | news).items() if name in wanted}
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
    lane: Lane | None = Field(default=None, description="`interactive`: somebody waits for it")


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


class ReviewApproved(ContentStored):
    """People have decided that a held piece may go on; safety signs it, or finds it may not.

    Its `run` is the next one, its `delivery` what is held, its `verdict` the one they decided on.
    """

    NAME = "review.approved"
    rating: Rating = Field(description="what the reviewers found the piece to be")
    reviewers: tuple[str, ...] = Field(min_length=1)


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
    """Files must go: they lost to an earlier end, or nobody may see them any more."""

    NAME = "delivery.withdrawn"
    piece_id: SubjectToken
    run: int = Field(ge=1)
    object_keys: tuple[str, ...]
    reason: Literal["superseded", "avatar_deleted", "taken_down"]

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
    kind: Literal["image", "captions"] = "image"
    outcome: Literal["succeeded", "failed", "unknown"]
    error_code: str | None = None
    detail: str = ""
    duration_ms: int = Field(ge=0)
    cost_usd_micros: int = Field(ge=0)
    image: BlobRef | None = None
    generation: Generation | None = None
    captions: Captions | None = Field(default=None, description="what a call for captions gave")

    @property
    def subject_tokens(self) -> tuple[str, ...]:
        return (self.tenant, self.task_id, self.piece_id, self.attempt_id)


class TaskRequested(Fact):
    """Another system orders content. Whoever asks twice by the same identity orders once.

    The identity is `idempotency_key`, else (`ce-source`, `ce-id`); `task_id` follows from it.
    """

    NAME = "task.requested"
    request_id: SubjectToken = Field(description="last token of the subject, as the sender chose")
    asker: Asker
    kind: Literal["single", "batch"] = "batch"
    order: dict[str, Any] = Field(description="the body of the REST request of this kind")

    @property
    def subject_tokens(self) -> tuple[str, ...]:
        return (self.tenant, self.request_id)


class TaskAccepted(Fact):
    """A request by event has become a task; every later fact carries its `task_id`."""

    NAME = "task.accepted"
    task_id: SubjectToken
    asker: Asker
    request_id: SubjectToken
    avatar_id: SubjectToken
    kind: Literal["single", "batch"]
    total: int = Field(ge=1)
    accepted_at: AwareDatetime
    deadline_at: AwareDatetime

    @property
    def subject_tokens(self) -> tuple[str, ...]:
        return (self.tenant, self.task_id)


class TaskRefused(Fact):
    """A request by event was refused, with the code that the REST door gives."""

    NAME = "task.refused"
    task_id: SubjectToken = Field(description="the id that the task would have got")
    asker: Asker
    request_id: SubjectToken
    request_sequence: int = Field(ge=1, description="of the request in its stream")
    problem: ProblemDetails

    @property
    def subject_tokens(self) -> tuple[str, ...]:
        return (self.tenant, self.task_id, str(self.request_sequence))


class AvatarReady(Fact):
    """The training system hands over an avatar's LoRA weights. Sent again for newer weights."""

    NAME = "avatar.ready"
    avatar_id: SubjectToken
    lora_weights_url: BucketKey | None = Field(
        default=None, description="key of the weights in the bucket, never a URL"
    )
    r2_path: BucketKey | None = Field(
        default=None, description="another name for `lora_weights_url`"
    )
    lora_model_id: Annotated[str, StringConstraints(max_length=120)] | None = None
    trigger_word: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_ -]{1,64}$")] | None = None
    lora_scale: float | None = Field(default=None, ge=0, le=1)

    @property
    def subject_tokens(self) -> tuple[str, ...]:
        return (self.tenant, self.avatar_id)


FACTS: tuple[type[Fact], ...] = (
    TaskRequested,
    TaskAccepted,
    TaskRefused,
    AvatarReady,
    ContentRequested,
    ImageGenerated,
    ContentHooked,
    ContentModerated,
    ContentStored,
    ReviewApproved,
    ContentHalted,
    ContentPersisted,
    ContentRejected,
    ContentFailed,
    DeliveryWithdrawn,
    TaskCompleted,
    AttemptSettled,
)
