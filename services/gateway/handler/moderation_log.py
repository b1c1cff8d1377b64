"""Look at what was done for the sake of safety."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from services.gateway.handler.door import Open, Tenant
from services.gateway.handler.json_types import View
from services.gateway.handler.openapi import problems
from services.gateway.handler.pieces import Cursor
from services.gateway.handler.scopes import needs
from services.gateway.handler.strict_bodies import StrictRoute
from shared.calls import LIST_ACTIONS, ListActions, ModerationAction, Scope
from shared.calls.reviews import ActionKind
from shared.content import SubjectToken

router = APIRouter(prefix="/moderation", tags=["moderation"], route_class=StrictRoute)


class ActionList(View):
    """Some actions, newest first."""

    actions: list[ModerationAction]
    next_cursor: str | None = Field(description="send it as `cursor` to go on; null at the end")


@router.get(
    "/actions",
    summary="What was done for the sake of safety",
    responses=problems(),
    openapi_extra=needs(Scope.ADMIN),
)
async def list_actions(
    door: Open,
    tenant: Tenant,
    avatar_id: SubjectToken | None = None,
    piece_id: SubjectToken | None = None,
    action: Annotated[ActionKind | None, Query(description="only actions of this kind")] = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> ActionList:
    """Freezes, unfreezes, takedowns and expired reviews, newest first: by whom, and why."""
    wanted = ListActions(
        tenant=tenant,
        avatar_id=avatar_id,
        piece_id=piece_id,
        action=action,
        cursor=cursor,
        limit=limit,
    )
    page = await door.ask(LIST_ACTIONS, wanted)
    return ActionList(actions=list(page.actions), next_cursor=page.next_cursor)
