"""Composition root of the gateway."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

from fastapi import APIRouter, Depends, FastAPI

from services.gateway.adapters.api_keys import RememberedKeys
from services.gateway.adapters.object_directory import ObjectDirectory
from services.gateway.adapters.patient_calls import PatientCalls
from services.gateway.adapters.task_completions import HeardCompletions
from services.gateway.adapters.template_library import CachedLibrary
from services.gateway.adapters.watched_calls import WatchedCalls
from services.gateway.handler import (
    attempts,
    avatars,
    captions,
    checks,
    content,
    health,
    keys,
    moderation_log,
    objects,
    openapi,
    pages,
    pieces,
    problems,
    providers,
    reviews,
    tasks,
    templates,
    uploads,
)
from services.gateway.handler.api_key import RequireApiKey
from services.gateway.handler.body_limit import LimitBody
from services.gateway.handler.checkup import Checkup
from services.gateway.handler.crowd_limit import LimitCrowd
from services.gateway.handler.door import Door
from services.gateway.handler.embedding_room import FreeEmbedded
from services.gateway.handler.event_door import TakeOrders
from services.gateway.handler.handover import HandOver
from services.gateway.handler.no_caching import ForbidCaching
from services.gateway.handler.rate_limit import LimitRate
from services.gateway.handler.scopes import has_scope
from services.gateway.settings import GatewaySettings
from shared.factlog import utc_now
from shared.foreign import read_handover, read_request
from shared.service import Service, open_service
from shared.topology import HAND_OVER, TAKE_ORDER

VERSION = "0.1.0"
EVENT_PERMITS = 4
"""Events of a kind taken at a time: who has published does not wait, people at the door do."""

_PARTS = (
    avatars,
    content,
    captions,
    checks,
    tasks,
    templates,
    pieces,
    uploads,
    reviews,
    moderation_log,
    providers,
    attempts,
    keys,
)


@dataclass(frozen=True, slots=True)
class Gateway:
    """An opened gateway: what to serve, and how to end the waiting of its clients."""

    service: Service
    api: FastAPI
    completions: HeardCompletions


def assemble(door: Door) -> FastAPI:
    """The whole HTTP application; everything from outside comes through `door`."""
    app = application()
    lead_through(door, app)
    return app


def take_events(door: Door, service: Service) -> None:
    """Let what other systems write come through the same door."""
    orders, handovers = TakeOrders(door), HandOver(door.ask)
    service.stage(TAKE_ORDER, orders, permits=EVENT_PERMITS, read=read_request)
    service.stage(HAND_OVER, handovers, permits=EVENT_PERMITS, read=read_handover)


def lead_through(door: Door, app: FastAPI) -> None:
    """Let the application's answers come through this door from now on."""
    app.state.door = door
    app.state.checkup = Checkup(door)


def application() -> FastAPI:
    """Routes, middleware and error answers, without a door."""
    app = FastAPI(
        title="Atelier",
        version=VERSION,
        description="Images of trained AI avatars at scale.",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        # Its logs would hold the inputs of refused requests.
        telemetry={"logs": False},
    )
    # The last one added is the first to see a request.
    app.add_middleware(FreeEmbedded)
    app.add_middleware(ForbidCaching)
    app.add_middleware(LimitBody, larger=checks.LARGER_BODIES)
    app.add_middleware(LimitRate)
    app.add_middleware(RequireApiKey)
    app.add_middleware(LimitCrowd)
    problems.install(app)
    openapi.install(app)
    app.include_router(_api())
    for part in (health, objects, pages):
        app.include_router(part.router)
    return app


@asynccontextmanager
async def open_app(settings: GatewaySettings) -> AsyncIterator[Gateway]:
    """Everything the gateway needs, opened and assembled."""
    async with open_service("gateway", settings) as service:
        completions = HeardCompletions()
        await completions.listen(service.nc, service.topology)
        door = _door(settings, service, completions)
        # A file that cannot be used stops the start, not the first order.
        await door.library.all()
        take_events(door, service)
        yield Gateway(service, assemble(door), completions)


def _api() -> APIRouter:
    guards = [Depends(openapi.documented_key), Depends(has_scope)]
    api = APIRouter(prefix="/api/v1", dependencies=guards)
    for part in _PARTS:
        api.include_router(part.router)
    api.include_router(health.api_router)
    return api


def _door(settings: GatewaySettings, service: Service, completions: HeardCompletions) -> Door:
    ask = WatchedCalls(PatientCalls(service.call), probe=service.call)
    return Door(
        ask=ask,
        probe=service.call,
        keys=RememberedKeys(ask),
        completions=completions,
        broker=service.nc,
        library=CachedLibrary(settings.templates_file),
        files=ObjectDirectory(settings.objects_dir),
        staging=service.staging,
        now=utc_now,
        new_id=lambda: str(uuid4()),
        link_signing_key=bytes.fromhex(settings.link_signing_key.get_secret_value()),
        public_base_url=settings.base_url,
        objects_base_url=settings.objects_url,
        rate=settings.rate,
        generate_timeout_s=settings.generate_timeout_seconds,
        link_ttl_s=settings.link_ttl_seconds,
        health_cache_s=settings.health_cache_seconds,
        most_requests=settings.gateway_max_requests,
        uploads_enabled=settings.upload_to_storage_enabled,
    )
