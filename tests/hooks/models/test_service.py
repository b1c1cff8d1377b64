"""The whole service on a real broker, with real clients of vendors of ours."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import uuid4

import pytest
from nats.js import JetStreamContext

from deploy.local.nats import EmbeddedNats
from services.hooks.app import open_app
from services.hooks.settings import HooksSettings
from shared.calls import (
    OPEN_ATTEMPT,
    SCREEN_TEXTS,
    WRITE_CAPTIONS,
    AttemptAnswer,
    OpenAttempt,
    PictureToCaption,
    Screened,
    ScreenTexts,
    WriteCaptions,
)
from shared.content import CaptionSource, Lane, Platform
from shared.events import AttemptSettled, ContentHalted, ContentHooked, ImageGenerated
from shared.factlog import JetStreamFactLog
from shared.service import Service, open_service
from shared.settings import ServiceSettings
from shared.topology import WRITE_HOOKS, Topology
from tests.eventually import eventually
from tests.generator.replicate.vendor_server import Reply
from tests.hooks.fakes import pieces
from tests.hooks.models.conftest import settings
from tests.hooks.models.stub import TextModels, refused


@pytest.fixture
def topology() -> Topology:
    return Topology(
        namespace=f"t{uuid4().hex[:10]}",
        facts=(ImageGenerated, ContentHooked, ContentHalted, AttemptSettled),
        steps=(WRITE_HOOKS,),
    )


@dataclass
class Others:
    """The ledger and the screen: everything is allowed, and counted."""

    opened: list[OpenAttempt] = field(default_factory=list)
    screened: list[ScreenTexts] = field(default_factory=list)

    async def open(self, request: OpenAttempt) -> AttemptAnswer:
        self.opened.append(request)
        return AttemptAnswer(answer="go", attempt_id=request.attempt_id, number=1)

    async def screen(self, request: ScreenTexts) -> Screened:
        self.screened.append(request)
        return Screened(policy_version="test")


@asynccontextmanager
async def running(service: Service) -> AsyncIterator[Service]:
    await service.broker.start()
    await service.start()
    try:
        yield service
    finally:
        await service.stop()


@pytest.fixture
async def others(nats_server: EmbeddedNats, provisioned: Topology) -> AsyncIterator[Others]:
    known = Others()
    given = ServiceSettings(nats_url=nats_server.url, nats_namespace=provisioned.namespace)
    async with open_service("others", given) as service:
        service.answer(OPEN_ATTEMPT, known.open)
        service.answer(SCREEN_TEXTS, known.screen)
        async with running(service):
            yield known


@asynccontextmanager
async def hooks(given: HooksSettings) -> AsyncIterator[Service]:
    async with open_app(given) as service, running(service):
        yield service


class Wire:
    """What goes in and comes out."""

    def __init__(self, js: JetStreamContext, topology: Topology) -> None:
        self.js, self.topology = js, topology
        self.facts = JetStreamFactLog(js, topology, source="/tests")

    async def write(self, events: list[ImageGenerated]) -> None:
        await asyncio.gather(*(self.facts.write(event) for event in events))

    async def hooked(self, events: list[ImageGenerated]) -> list[ContentHooked]:
        async def are_there() -> bool:
            info = await self.js.stream_info(self.topology.stream(ContentHooked))
            return info.state.messages == len(events)

        await eventually(are_there, every_s=0.05)
        return [await self._read(ContentHooked, event) for event in events]

    async def _read(self, fact: type[ContentHooked], event: ImageGenerated) -> ContentHooked:
        subject = self.topology.subject_of(fact, event.subject_tokens)
        message = await self.js.get_last_msg(self.topology.stream(fact), subject)
        return fact.model_validate_json(message.data or b"")

    async def settled(self) -> list[AttemptSettled]:
        stream = self.topology.stream(AttemptSettled)
        count = (await self.js.stream_info(stream)).state.messages
        found = [await self.js.get_msg(stream, place + 1) for place in range(count)]
        return [AttemptSettled.model_validate_json(each.data or b"") for each in found]


@pytest.fixture
def wire(js: JetStreamContext, provisioned: Topology) -> Wire:
    return Wire(js, provisioned)


@pytest.fixture
def given(
    nats_server: EmbeddedNats, provisioned: Topology, vendor: TextModels
) -> dict[str, object]:
    return {"nats_url": nats_server.url, "nats_namespace": provisioned.namespace}


@pytest.mark.parametrize("name", ["anthropic", "openai"])
async def test_fifty_pieces_that_wait_take_six_calls_at_most(
    vendor: TextModels, wire: Wire, others: Others, given: dict[str, object], name: str
) -> None:
    # Nobody waits for them: each call is full before the first of it has lingered enough.
    events = [event.model_copy(update={"lane": Lane.BULK}) for event in pieces(50)]
    await wire.write(events)
    patient = {"hook_providers": (name,), "hook_linger_seconds": 2}
    async with hooks(settings(vendor, **patient, **given)):
        hooked = await wire.hooked(events)
    assert len(vendor.asked) <= 6
    assert all(len(each.captions.hooks) == 5 for each in hooked)
    assert {each.captions.provider for each in hooked} == {name}
    for place, each in enumerate(hooked):
        assert f"subject number {place}" in each.captions.hooks[0]
    settled = await wire.settled()
    assert {each.attempt_id for each in settled} == {each.captions.attempt_id for each in hooked}
    assert sum(each.cost_usd_micros for each in settled) == 1100 * len(vendor.asked)
    assert {request.kind for request in others.opened} == {"captions"}
    assert {request.tenant for request in others.screened} == {"default"}


async def test_the_second_copywriter_writes_where_the_first_is_overloaded(
    vendor: TextModels, wire: Wire, others: Others, given: dict[str, object]
) -> None:
    vendor.faults = [refused(529, "overloaded_error", after="30")]
    events = pieces(3)
    await wire.write(events)
    async with hooks(settings(vendor, **given)):
        hooked = await wire.hooked(events)
    assert {each.captions.provider for each in hooked} == {"openai"}


async def test_written_captions_stand_in_and_say_why_when_every_vendor_is_down(
    vendor: TextModels, wire: Wire, others: Others, given: dict[str, object]
) -> None:
    vendor.always = Reply(500)
    events = pieces(3)
    await wire.write(events)
    async with hooks(settings(vendor, **given)):
        hooked = await wire.hooked(events)
    for each in hooked:
        assert each.captions.source is CaptionSource.TEMPLATE
        assert each.captions.instead_of == "unavailable"
        assert len(each.captions.hooks) == 5


async def test_busy_vendors_are_waited_for_no_longer_than_is_set(
    vendor: TextModels, wire: Wire, others: Others, given: dict[str, object]
) -> None:
    vendor.always = refused(429, "rate_limit_error", after="3600")
    events = pieces(2)
    await wire.write(events)
    async with hooks(settings(vendor, hook_wait_seconds=0, **given)):
        hooked = await wire.hooked(events)
    assert {each.captions.instead_of for each in hooked} == {"unavailable"}
    # One each at the most: whoever comes later knows that they are to be left alone.
    assert len(vendor.asked) == 2


async def test_without_a_key_people_write_and_nobody_else_is_asked(
    vendor: TextModels, wire: Wire, others: Others, given: dict[str, object]
) -> None:
    events = pieces(12)
    await wire.write(events)
    keyless = {"anthropic_api_key": None, "openai_api_key": None}
    async with hooks(settings(vendor, **given, **keyless)):
        hooked = await wire.hooked(events)
    assert {each.captions.source for each in hooked} == {CaptionSource.TEMPLATE}
    assert {each.captions.instead_of for each in hooked} == {""}
    assert (others.opened, others.screened, vendor.asked) == ([], [], [])


async def test_captions_are_written_for_whoever_asks_by_a_call(
    vendor: TextModels, others: Others, given: dict[str, object]
) -> None:
    picture = PictureToCaption(prompt="subject number 7 by the sea at dawn")
    asked = WriteCaptions(tenant="default", pictures=(picture,), platform=Platform.X, count=3)
    async with hooks(settings(vendor, **given)) as service:
        reply = await service.call(WRITE_CAPTIONS, asked)
    (captions,) = reply.captions
    assert (captions.source, len(captions.hooks)) == (CaptionSource.MODEL, 3)
    assert reply.cost_usd_micros == captions.cost_usd_micros == 1100
    assert others.opened == []
