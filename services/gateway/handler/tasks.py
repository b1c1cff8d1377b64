"""Follow and cancel tasks."""

from fastapi import APIRouter

from services.gateway.handler.door import Door, Open, Tenant, Token
from services.gateway.handler.openapi import problems
from services.gateway.handler.rendering import all_delivered, show
from services.gateway.handler.task_views import TaskResult, TaskStatus, task_status
from services.gateway.handler.waiting import ENDED
from shared.calls import CANCEL_TASK, GET_TASK, TaskRef, TaskView

router = APIRouter(tags=["tasks"])


@router.get("/content/tasks/{task_id}", summary="Where a task stands", responses=problems(404))
async def read_task(task_id: Token, door: Open, tenant: Tenant) -> TaskStatus:
    """State, progress and counts; the finished pieces once the task has ended."""
    view = await door.ask(GET_TASK, TaskRef(tenant=tenant, task_id=task_id))
    return await _status(door, tenant, view)


@router.get(
    "/loras/training/status/{task_id}",
    summary="The same, under its old path",
    responses=problems(404),
)
async def read_task_by_old_path(task_id: Token, door: Open, tenant: Tenant) -> TaskStatus:
    """An alias that clients poll today."""
    return await read_task(task_id, door, tenant)


@router.post(
    "/content/tasks/{task_id}/cancel",
    summary="Begin nothing more of a task",
    responses=problems(404, 409),
)
async def cancel_task(task_id: Token, door: Open, tenant: Tenant) -> TaskStatus:
    """Pieces that have not begun never begin; pieces under way end as they would have."""
    view = await door.ask(CANCEL_TASK, TaskRef(tenant=tenant, task_id=task_id))
    return await _status(door, tenant, view)


async def _status(door: Door, tenant: str, view: TaskView) -> TaskStatus:
    if view.state not in ENDED:
        return task_status(view, None)
    pieces = await all_delivered(door, tenant, view.task_id)
    return task_status(view, TaskResult(content_pieces=await show(door, tenant, pieces)))
