"""Look at provider calls, and reconcile with the bill those that ended nobody knows how."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from services.gateway.handler.attempt_views import (
    AttemptListView,
    BookedAttemptView,
    ReconcileBody,
    attempt_view,
)
from services.gateway.handler.door import Open, Tenant, Token
from services.gateway.handler.openapi import problems
from services.gateway.handler.pieces import Cursor
from services.gateway.handler.scopes import Key, needs
from services.gateway.handler.strict_bodies import StrictRoute
from shared.calls import (
    LIST_ATTEMPTS,
    RECONCILE_ATTEMPT,
    ListAttempts,
    ReconcileAttempt,
    Scope,
)
from shared.content import SubjectToken

router = APIRouter(prefix="/attempts", tags=["attempts"], route_class=StrictRoute)

Outcome = Literal["open", "succeeded", "failed", "unknown"]


@router.get("", summary="Provider calls", responses=problems(), openapi_extra=needs(Scope.ADMIN))
async def list_attempts(
    door: Open,
    tenant: Tenant,
    outcome: Annotated[
        Outcome | None,
        Query(description="`unknown`: those that wait to be reconciled; `open`: under way"),
    ] = None,
    provider: Annotated[str | None, Query(pattern=r"^[a-z0-9_]{1,64}$")] = None,
    piece_id: SubjectToken | None = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> AttemptListView:
    """Calls of all pieces, newest first. A page may be shorter than asked for."""
    wanted = ListAttempts(
        tenant=tenant,
        outcome=outcome,
        provider=provider,
        piece_id=piece_id,
        cursor=cursor,
        limit=limit,
    )
    page = await door.ask(LIST_ATTEMPTS, wanted)
    attempts = [attempt_view(booked) for booked in page.attempts]
    return AttemptListView(attempts=attempts, next_cursor=page.next_cursor)


@router.post(
    "/{attempt_id}/reconcile",
    summary="Reconcile a call with the bill",
    responses=problems(404, 409, 413),
    openapi_extra=needs(Scope.ADMIN),
)
async def reconcile_attempt(
    attempt_id: Token, body: ReconcileBody, door: Open, tenant: Tenant, key: Key
) -> BookedAttemptView:
    """Say how a call ended of which nobody knows, as the provider's bill tells.

    `charged` books its cost, though its image never came; `not_charged` books that there is none.
    May be sent again: the same changes nothing, and something else answers 409.
    """
    said = ReconcileAttempt(
        tenant=tenant,
        attempt_id=attempt_id,
        result=body.result,
        cost_usd_micros=body.cost_usd_micros(),
        by=key.key_id,
        note=body.note,
    )
    return attempt_view(await door.ask(RECONCILE_ATTEMPT, said))
