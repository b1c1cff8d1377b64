"""How the providers of images stand."""

import asyncio

from fastapi import APIRouter

from services.gateway.handler.door import Door, Open
from services.gateway.handler.openapi import problems
from services.gateway.handler.provider_views import ProviderList, provider_list
from services.gateway.handler.scopes import needs
from services.gateway.handler.strict_bodies import StrictRoute
from shared.calls import LIST_PROVIDERS, PROVIDER_RECORDS, Nothing, Scope
from shared.outcomes import TryLater
from shared.problems import Problem
from shared.rpc import Call, Reply

router = APIRouter(prefix="/providers", tags=["providers"], route_class=StrictRoute)

_ASK_LIMIT_S = 2.0


@router.get(
    "",
    summary="How the providers stand",
    responses=problems(),
    openapi_extra=needs(Scope.ADMIN),
)
async def list_providers(door: Open) -> ProviderList:
    """Breakers, limits and prices as the generator has them, the last hour as the ledger has it.

    While one of them does not answer, the other's half is shown. The figures are those of all
    tenants together.
    """
    states, records = await asyncio.gather(
        _answer(door, LIST_PROVIDERS), _answer(door, PROVIDER_RECORDS)
    )
    if states is None and records is None:
        raise TryLater("neither generator nor ledger tells about providers")
    return provider_list(states, records.records if records else None)


async def _answer(door: Door, call: Call[Nothing, Reply]) -> Reply | None:
    try:
        return await door.probe(call, Nothing(), timeout_s=_ASK_LIMIT_S)
    except (TryLater, Problem):
        return None
