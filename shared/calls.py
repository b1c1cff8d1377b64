"""The calls between services: typed questions and answers over NATS request–reply.

Every request names its tenant; another tenant's things are `not found`. Lists are paged by opaque
cursors and sized to stay under the limit of a reply.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from shared.content import (
    BlobRef,
    Brief,
    BucketKey,
    Generation,
    Lane,
    Platform,
    Rating,
    SubjectToken,
    Tier,
    Value,
)
from shared.rpc import Call

Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]


class Asked(Value):
    """A request on behalf of a tenant."""

    tenant: SubjectToken


# --- API keys ------------------------------------------------------------------------------------


class FindKey(Value):
    """The public part of an API key; the tenant is what the answer tells."""

    key_id: SubjectToken


class ApiKey(Value):
    """A key as the ledger knows it: only the hash of its secret."""

    key_id: str
    tenant: SubjectToken
    name: str
    secret_sha256: str


# --- Avatars -------------------------------------------------------------------------------------


class Likeness(Value):
    """Whose face the avatar wears. A consented person needs a name and somebody who attested it."""

    kind: Literal["synthetic", "consented_person"]
    name: str | None = None
    reference: str | None = None
    attested_by: str | None = None
    attested_at: AwareDatetime | None = None


class GenerationConfig(Value):
    """The avatar's own sampling settings; None means the default (28 steps, cfg 5.5)."""

    steps: int | None = Field(default=None, ge=20, le=50)
    cfg_scale: float | None = Field(default=None, ge=1, le=20)
    scheduler: str | None = Field(default=None, max_length=64)


class Personality(Value):
    """How captions sound."""

    tone: str | None = Field(default=None, max_length=64)
    language: str = Field(default="en", pattern=r"^[a-z]{2}$")


class AvatarMeta(Value):
    """What else is known about an avatar."""

    personality: Personality = Personality()
    generation_config: GenerationConfig = GenerationConfig()


class AvatarFields(Value):
    """What a client may say about an avatar; None leaves a field as it is."""

    name: Name | None = None
    user_id: Annotated[str, StringConstraints(max_length=120)] | None = None
    niche: Annotated[str, StringConstraints(max_length=64)] | None = None
    stage: Literal["draft", "training", "ready", "blocked"] | None = None
    lora_weights_url: BucketKey | None = None
    lora_model_id: Annotated[str, StringConstraints(max_length=120)] | None = None
    trigger_word: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_ -]{1,64}$")] | None = None
    base_prompt: Text | None = None
    negative_prompt: Text | None = None
    lora_scale: float | None = Field(default=None, ge=0, le=1)
    likeness: Likeness | None = None
    adult_attested_at: AwareDatetime | None = None
    meta_data: AvatarMeta | None = None


class Avatar(Value):
    """An avatar as it is recorded."""

    id: str
    tenant: SubjectToken
    name: str
    user_id: str | None = None
    niche: str | None = None
    stage: str
    lora_weights_url: str | None = None
    lora_model_id: str | None = None
    trigger_word: str | None = None
    base_prompt: str = ""
    negative_prompt: str = ""
    lora_scale: float = 0.9
    likeness: Likeness | None = None
    adult_attested_at: AwareDatetime | None = None
    meta_data: AvatarMeta = AvatarMeta()
    created_at: AwareDatetime
    updated_at: AwareDatetime


class CreateAvatar(Asked):
    """Record an avatar. The id is made at the door, so that asking twice makes one."""

    avatar_id: SubjectToken
    fields: AvatarFields


class AvatarRef(Asked):
    """One avatar."""

    avatar_id: SubjectToken


class ChangeAvatar(AvatarRef):
    """Change the given fields; those in `clear` become empty."""

    fields: AvatarFields
    clear: tuple[str, ...] = ()


class ListAvatars(Asked):
    """Avatars, newest first."""

    cursor: str | None = None
    limit: int = Field(default=20, ge=1, le=100)


class AvatarPage(Value):
    """Some avatars, and where to go on."""

    avatars: tuple[Avatar, ...]
    next_cursor: str | None = None


class Deleted(Value):
    """What a deletion took along."""

    pieces: int


# --- Tasks ---------------------------------------------------------------------------------------


class TaskState(StrEnum):
    """Where a task stands."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class AcceptTask(Asked):
    """Accept a task with all its planned pieces; the nth brief becomes the piece with index n."""

    task_id: SubjectToken
    lane: Lane
    kind: Literal["single", "batch"]
    avatar_id: SubjectToken
    platform: Platform
    config: dict[str, object] = Field(description="the request as it was understood, for reports")
    accepted_at: AwareDatetime
    deadline_at: AwareDatetime
    briefs: tuple[Brief, ...] = Field(min_length=1, max_length=500)


class TaskRef(Asked):
    """One task."""

    task_id: SubjectToken


class StageCounts(Value):
    """How many pieces have come how far. Cumulative: a persisted piece has also been stored."""

    requested: int = 0
    generated: int = 0
    hooked: int = 0
    moderated: int = 0
    stored: int = 0
    persisted: int = 0
    rejected: int = 0
    failed: int = 0
    pending_review: int = 0


class Reason(Value):
    """Why a piece did not become content."""

    piece_id: str
    state: str
    reason: str
    detail: str = ""


class TaskView(Value):
    """A task as clients see it, without its pieces: those are listed page by page."""

    task_id: str
    tenant: SubjectToken
    avatar_id: str
    kind: str
    platform: str
    state: TaskState
    progress: int = Field(ge=0, le=100, description="percent of the way all pieces have gone")
    total: int
    counts: StageCounts
    reasons: tuple[Reason, ...] = Field(default=(), description="the first hundred")
    cost_usd_micros: int = Field(description="all attempts, failed ones too")
    generation_time_ms: int
    config: dict[str, object]
    accepted_at: AwareDatetime
    deadline_at: AwareDatetime
    completed_at: AwareDatetime | None = None


# --- Pieces --------------------------------------------------------------------------------------


class Piece(Value):
    """A piece as it is recorded: finished, held, ended or under way."""

    id: str
    task_id: str
    avatar_id: str
    index: int
    state: str
    run: int
    content_type: str = "image"
    access_tier: Tier
    template_id: str | None = None
    prompt: str
    platform: str
    object_key: str | None = None
    thumbnail_key: str | None = None
    url: str | None = None
    public: bool = False
    uploaded: bool = True
    image_sha256: str | None = None
    media_type: str | None = None
    hook_text: str | None = None
    hooks: tuple[str, ...] = ()
    hooks_source: str | None = None
    safety_rating: Rating | None = None
    explicitness_level: int | None = None
    verdict_reason: str | None = None
    generation: Generation | None = None
    cost_usd_micros: int = Field(default=0, description="of all its attempts")
    price_usd_micros: int | None = None
    reason: str | None = None
    detail: str | None = None
    created_at: AwareDatetime
    ended_at: AwareDatetime | None = None
    published_at: AwareDatetime | None = None


class PieceRef(Asked):
    """One piece."""

    piece_id: SubjectToken


class TimelineEntry(Value):
    """Something that happened to a piece."""

    at: AwareDatetime
    run: int
    fact: str
    detail: dict[str, object] = Field(default_factory=dict)


class AttemptRecord(Value):
    """A provider call, as it was opened and settled."""

    attempt_id: str
    number: int
    run: int
    provider: str
    outcome: str
    error_code: str | None = None
    duration_ms: int | None = None
    cost_usd_micros: int
    opened_at: AwareDatetime
    settled_at: AwareDatetime | None = None


class PieceDetail(Value):
    """A piece with all that happened to it."""

    piece: Piece
    timeline: tuple[TimelineEntry, ...]
    attempts: tuple[AttemptRecord, ...]


class ListPieces(Asked):
    """Pieces of an avatar (newest first) or of a task (in order).

    `delivered_only` leaves out what is not finished content.
    """

    avatar_id: SubjectToken | None = None
    task_id: SubjectToken | None = None
    tier: Tier | None = None
    rating: Rating | None = None
    delivered_only: bool = True
    cursor: str | None = None
    limit: int = Field(default=20, ge=1, le=50)


class PiecePage(Value):
    """Some pieces, and where to go on."""

    pieces: tuple[Piece, ...]
    next_cursor: str | None = None


class PublishPiece(PieceRef):
    """Mark a piece as published, with its price."""

    price_usd_micros: int | None = Field(default=None, ge=0)


class AvatarStats(Value):
    """Totals of an avatar, computed by the database."""

    avatar_id: str
    total_pieces: int
    tiers: dict[str, int]
    ratings: dict[str, int]
    states: dict[str, int]
    total_cost_usd_micros: int
    average_cost_usd_micros: int
    total_generation_time_ms: int
    average_generation_time_ms: int
    first_at: AwareDatetime | None = None
    last_at: AwareDatetime | None = None


class LedgerHealth(Value):
    """What the ledger knows about itself."""

    avatars: int
    pieces: int
    tasks_open: int
    outbox_waiting: int
    pool_size: int
    pool_in_use: int


class Nothing(Value):
    """A request or reply without content."""


# --- Attempts ------------------------------------------------------------------------------------


class OpenAttempt(Asked):
    """Ask before calling a provider. Asking again with the same id gets the same answer."""

    attempt_id: SubjectToken
    task_id: SubjectToken
    piece_id: SubjectToken
    run: int = Field(ge=1)
    provider: str = Field(max_length=64)
    holder: str = Field(max_length=120, description="the process that asks")
    lease_s: float = Field(gt=0, le=3600, description="longer than the call can take")


class AttemptAnswer(Value):
    """What to do about a provider call.

    go: call, then settle `attempt_id`. done: an earlier call succeeded, use its result.
    pending: an earlier call was submitted, go on waiting for `call_id` under `attempt_id`.
    wait: somebody else may still be calling; come back after `after_s`. no: do not call, `reason`
    is one of cancelled, deadline, superseded, ended.
    """

    answer: Literal["go", "done", "pending", "wait", "no"]
    attempt_id: str | None = None
    number: int | None = None
    call_id: str | None = None
    after_s: float | None = None
    reason: str | None = None
    image: BlobRef | None = None
    generation: Generation | None = None


class NoteCall(Asked):
    """Record the vendor's id of a submitted call before waiting for its result."""

    piece_id: SubjectToken
    attempt_id: SubjectToken
    call_id: str = Field(max_length=200)


# --- Storage and provider state ------------------------------------------------------------------


class SignLinks(Value):
    """Ask for links to delivered objects that work for a while without further permission."""

    keys: tuple[str, ...] = Field(max_length=100)
    expires_s: int = Field(default=3600, ge=1, le=7 * 24 * 3600)


class SignedLinks(Value):
    """Links in the order of the keys. They are secrets: never store or log them."""

    urls: tuple[str, ...]


class ComponentHealth(Value):
    """State of a component for the health page."""

    status: Literal["ok", "degraded", "down"]
    detail: dict[str, object] = Field(default_factory=dict)


FIND_KEY = Call("ledger.key.find", FindKey, ApiKey)
CREATE_AVATAR = Call("ledger.avatar.create", CreateAvatar, Avatar)
GET_AVATAR = Call("ledger.avatar.get", AvatarRef, Avatar)
LIST_AVATARS = Call("ledger.avatar.list", ListAvatars, AvatarPage)
CHANGE_AVATAR = Call("ledger.avatar.change", ChangeAvatar, Avatar)
DELETE_AVATAR = Call("ledger.avatar.delete", AvatarRef, Deleted)
ACCEPT_TASK = Call("ledger.task.accept", AcceptTask, TaskView)
GET_TASK = Call("ledger.task.get", TaskRef, TaskView)
CANCEL_TASK = Call("ledger.task.cancel", TaskRef, TaskView)
GET_PIECE = Call("ledger.piece.get", PieceRef, PieceDetail)
LIST_PIECES = Call("ledger.piece.list", ListPieces, PiecePage)
PUBLISH_PIECE = Call("ledger.piece.publish", PublishPiece, Piece)
GET_STATS = Call("ledger.stats.get", AvatarRef, AvatarStats)
LEDGER_HEALTH = Call("ledger.health", Nothing, LedgerHealth)
OPEN_ATTEMPT = Call("ledger.attempt.open", OpenAttempt, AttemptAnswer)
NOTE_CALL = Call("ledger.attempt.note", NoteCall, Nothing)
SIGN_LINKS = Call("storage.links.sign", SignLinks, SignedLinks)
STORAGE_HEALTH = Call("storage.health", Nothing, ComponentHealth)
PROVIDER_HEALTH = Call("generator.health", Nothing, ComponentHealth)
