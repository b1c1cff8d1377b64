"""An event door on the session's broker."""

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import pytest
from nats.js import JetStreamContext

from deploy.local.nats import EmbeddedNats
from services.gateway.app import take_events
from shared.events import AvatarReady, TaskAccepted, TaskRefused, TaskRequested
from shared.factlog import utc_now
from shared.service import open_service
from shared.settings import ServiceSettings
from shared.topology import HAND_OVER, TAKE_ORDER, Topology
from tests.gateway.conftest import World
from tests.gateway.events.door import EventDoor


@pytest.fixture
def topology() -> Topology:
    """Only what the door needs."""
    return Topology(
        namespace=f"t{uuid4().hex[:10]}",
        facts=(TaskRequested, TaskAccepted, TaskRefused, AvatarReady),
        steps=(TAKE_ORDER, HAND_OVER),
    )


@pytest.fixture
async def events(
    nats_server: EmbeddedNats, js: JetStreamContext, provisioned: Topology, world: World
) -> AsyncIterator[EventDoor]:
    """The door over `world`, with a clock that agrees with the broker's."""
    settings = ServiceSettings(nats_url=nats_server.url, nats_namespace=provisioned.namespace)
    door = replace(world.door, now=utc_now)
    async with open_service("gateway", settings) as service:
        take_events(door, service)
        await service.start()
        yield EventDoor(js, provisioned, world.backend, door)
        await service.stop()
