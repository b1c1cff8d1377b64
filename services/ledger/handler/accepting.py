"""Turn an accepted task into its pieces and the facts that ask for them."""

from dataclasses import dataclass

from services.ledger.handler.room import Room
from services.ledger.ports import TaskBook
from shared.calls import AcceptTask, TaskView
from shared.events import ContentRequested
from shared.ids import piece_id
from shared.problems import Problem


@dataclass(frozen=True, slots=True)
class AcceptTasks:
    """Plans nothing: the nth brief of the request becomes the piece with index n."""

    book: TaskBook
    room: Room

    async def __call__(self, request: AcceptTask) -> TaskView:
        self.room.check()
        if any(brief.avatar_id != request.avatar_id for brief in request.briefs):
            detail = "A task is about one avatar; a brief names another."
            raise Problem(422, "invalid_request", detail, field="briefs")
        return await self.book.accept(request, _requested(request))


def _requested(request: AcceptTask) -> list[ContentRequested]:
    try:
        ids = [piece_id(request.task_id, index) for index in range(len(request.briefs))]
    except ValueError as exc:
        detail = "The task id must be a UUID."
        raise Problem(422, "invalid_request", detail, field="task_id") from exc
    return [
        ContentRequested(
            tenant=request.tenant,
            task_id=request.task_id,
            piece_id=ident,
            run=1,
            accepted_at=request.accepted_at,
            deadline_at=request.deadline_at,
            brief=brief,
            lane=request.lane,
        )
        for ident, brief in zip(ids, request.briefs, strict=True)
    ]
