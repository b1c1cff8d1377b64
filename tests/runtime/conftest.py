"""A provisioned step on the session's broker."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from nats.js import JetStreamContext

from deploy.local.nats import EmbeddedNats
from shared.events import ContentHalted, ContentHooked, ImageGenerated
from shared.topology import Step, Topology
from tests.runtime.pipeline import HOOK, Pipeline, open_pipeline


@pytest.fixture
def step() -> Step:
    """The step, whose broker is patient. Override it for tests of what is handed out again."""
    return HOOK


@pytest.fixture
def topology(step: Step) -> Topology:
    """Only what one step needs."""
    return Topology(
        namespace=f"t{uuid4().hex[:10]}",
        facts=(ImageGenerated, ContentHooked, ContentHalted),
        steps=(step,),
    )


@pytest.fixture
async def pipeline(
    nats_server: EmbeddedNats, js: JetStreamContext, provisioned: Topology
) -> AsyncIterator[Pipeline]:
    async with open_pipeline(nats_server.url, js, provisioned) as opened:
        yield opened
