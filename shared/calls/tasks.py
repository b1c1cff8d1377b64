"""Tasks: accepted, followed, cancelled."""

from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime, Field

from shared.calls.base import Asked
from shared.content import Brief, Lane, Platform, Sha256, SubjectToken, Value
from shared.rpc import Call


class TaskState(StrEnum):
    """Where a task stands."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class OrderKey(Value):
    """Makes asking twice order once: the key the client chose, and what it has ordered by it."""

    key: str = Field(min_length=1, max_length=320)
    body_sha256: Sha256 = Field(description="of the order as it was understood")


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
    order_key: OrderKey | None = Field(
        default=None, description="kept with the task for seven days; whoever comes second gets it"
    )


class FindOrder(Asked):
    """Whether something was ordered by this key before."""

    order_key: OrderKey


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


class FoundOrder(Value):
    """The task that was ordered by a key; None if the key is free."""

    task: TaskView | None = None


ACCEPT_TASK = Call("ledger.task.accept", AcceptTask, TaskView)
FIND_ORDER = Call("ledger.order.find", FindOrder, FoundOrder)
GET_TASK = Call("ledger.task.get", TaskRef, TaskView)
CANCEL_TASK = Call("ledger.task.cancel", TaskRef, TaskView)
