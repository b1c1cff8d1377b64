"""A provisioned step on the session's broker."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from nats.js import JetStreamContext

from deploy.local.nats import EmbeddedNats
from shared.events import ContentHalted, ContentHooked, ImageGenerated
from shared.topology import Topology
from tests.runtime.pipeline import HOOK, Pipeline, open_pipeline


@pytest.fixture
def topology() -> Topology:
    """Only what one step needs."""
    return Topology(
        namespace=f"t{uuid4().hex[:10]}",
        facts=(ImageGenerated, ContentHooked, ContentHalted),
        steps=(HOOK,),
    )


@pytest.fixture
async def pipeline(
    nats_server: EmbeddedNats, js: JetStreamContext, provisioned: Topology
) -> AsyncIterator[Pipeline]:
    async with open_pipeline(nats_server.url, js, provisioned) as opened:
        yield opened
