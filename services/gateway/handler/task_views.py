"""How tasks look to clients."""

from pydantic import AwareDatetime, Field

from services.gateway.handler.json_types import JsonDecimal, View, seconds, usd
from services.gateway.handler.piece_views import ContentPiece
from shared.calls import Reason, StageCounts, TaskState, TaskView


class AcceptedView(View):
    """An order that was accepted."""

    task_id: str
    status: TaskState
    total_pieces: int
    estimated_time_minutes: JsonDecimal
    estimated_cost_usd: JsonDecimal
    deadline_at: AwareDatetime
    task_url: str


class TaskResult(View):
    """What a task has brought about."""

    content_pieces: list[ContentPiece]


class TaskStatus(View):
    """Where a task stands."""

    task_id: str
    kind: str
    avatar_id: str
    platform: str
    state: TaskState
    status: TaskState = Field(description="the same as `state`, under the name older clients read")
    progress: int = Field(description="percent")
    total: int
    counts: StageCounts
    reasons: tuple[Reason, ...]
    cost_usd: JsonDecimal
    generation_time: JsonDecimal = Field(description="seconds")
    accepted_at: AwareDatetime
    deadline_at: AwareDatetime
    completed_at: AwareDatetime | None
    config: dict[str, object]
    result: TaskResult | None = Field(description="once the task has ended")


class BatchStatistics(View):
    """Totals of a batch."""

    tier_distribution: dict[str, int]
    safety_distribution: dict[str, int]
    total_cost: JsonDecimal = Field(description="USD")
    total_generation_time: JsonDecimal = Field(description="seconds")


class BatchView(View):
    """A finished batch."""

    success: bool
    task_id: str
    avatar_id: str
    total_pieces: int
    content_pieces: list[ContentPiece]
    reasons: tuple[Reason, ...] = Field(description="of pieces that did not become content")
    statistics: BatchStatistics
    config: dict[str, object]


def task_status(view: TaskView, result: TaskResult | None) -> TaskStatus:
    """A task as clients see it."""
    return TaskStatus(
        task_id=view.task_id,
        kind=view.kind,
        avatar_id=view.avatar_id,
        platform=view.platform,
        state=view.state,
        status=view.state,
        progress=view.progress,
        total=view.total,
        counts=view.counts,
        reasons=view.reasons,
        cost_usd=usd(view.cost_usd_micros),
        generation_time=seconds(view.generation_time_ms),
        accepted_at=view.accepted_at,
        deadline_at=view.deadline_at,
        completed_at=view.completed_at,
        config=view.config,
        result=result,
    )
