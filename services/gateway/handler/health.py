"""How the system is: for programs, for probes and for people."""

from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse

from services.gateway.handler.checkup import Checkup, HealthView
from services.gateway.handler.door import Open
from services.gateway.handler.openapi import problems
from services.gateway.handler.problems import unavailable
from shared.calls import LEDGER_HEALTH, Nothing
from shared.outcomes import TryLater
from shared.problems import Problem

api_router = APIRouter(prefix="/content", tags=["health"])
router = APIRouter(tags=["health"])

_NEVER_CACHED = {"Cache-Control": "no-store"}
_READY_LIMIT_S = 1.0


@api_router.get("/health", summary="State of every part", responses=problems())
async def read_health(request: Request) -> HealthView:
    """What each part says about itself; a few seconds old at most."""
    checkup: Checkup = request.app.state.checkup
    return await checkup.current()


@router.get("/health", response_class=PlainTextResponse, summary="The same, for people")
async def tell_health(request: Request) -> PlainTextResponse:
    """One line for each part."""
    checkup: Checkup = request.app.state.checkup
    health = await checkup.current()
    parts: dict[str, str] = {
        "database": health.checks.database.status,
        "broker": health.checks.broker.status,
        "storage": health.checks.r2_storage.status,
        "providers": health.checks.providers.status,
        "safety": health.checks.safety.status,
    }
    lines = [f"atelier is {health.status}", "", *(f"{n:<10} {s}" for n, s in parts.items())]
    return PlainTextResponse("\n".join(lines) + "\n", headers=_NEVER_CACHED)


@router.get("/health/live", summary="Is this process alive?", response_model=dict[str, str])
async def is_alive() -> JSONResponse:
    """Alive means that it answers; nothing else is asked."""
    return JSONResponse({"status": "alive"}, headers=_NEVER_CACHED)


@router.get(
    "/health/ready",
    summary="Can this process serve?",
    response_model=dict[str, str],
    responses={503: problems()[503]},
)
async def is_ready(door: Open) -> JSONResponse:
    """Ready means that the broker is connected and the ledger answers."""
    missing = await _missing(door)
    if missing is not None:
        return unavailable("/health/ready", f"Not ready: {missing}.")
    return JSONResponse({"status": "ready"}, headers=_NEVER_CACHED)


async def _missing(door: Open) -> Literal["no broker", "no ledger"] | None:
    if not door.broker.is_connected:
        return "no broker"
    try:
        await door.probe(LEDGER_HEALTH, Nothing(), timeout_s=_READY_LIMIT_S)
    except (TryLater, Problem):
        return "no ledger"
    return None
