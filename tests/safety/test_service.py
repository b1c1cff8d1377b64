"""The service as a whole, on a real broker."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from nats.js import JetStreamContext
from pydantic import SecretStr

from deploy.local.nats import EmbeddedNats
from services.safety.app import assemble, open_app
from services.safety.settings import SafetySettings
from shared.blobs import JetStreamBlobs
from shared.calls import (
    CHECK_CONTENT,
    MATCH_IMAGE,
    SAFETY_HEALTH,
    CheckContent,
    ImageMatch,
    MatchImage,
    Nothing,
)
from shared.content import Decision
from shared.events import (
    ContentHalted,
    ContentHooked,
    ContentModerated,
    ReviewApproved,
)
from shared.factlog import JetStreamFactLog
from shared.outcomes import TryLater
from shared.service import Service, open_service
from shared.topology import MODERATE, SIGN_APPROVAL, Topology
from tests.builders import content_hooked, delivery, generation, review_approved, verdict
from tests.eventually import eventually
from tests.safety.panels import RULES, IsAway, drawn_png
from tests.verdict_keys import KEYS, SEED


@pytest.fixture
def topology() -> Topology:
    return Topology(
        namespace=f"t{uuid4().hex[:10]}",
        facts=(ContentHooked, ReviewApproved, ContentModerated, ContentHalted),
        steps=(MODERATE, SIGN_APPROVAL),
    )


def settings(url: str, topology: Topology, **more: object) -> SafetySettings:
    known: dict[str, object] = {
        "nats_url": SecretStr(url),
        "nats_namespace": topology.namespace,
        "safety_judges": "preview",
        "safety_signing_key": SEED,
    }
    return SafetySettings.model_validate(known | more)


@asynccontextmanager
async def running(service: Service) -> AsyncIterator[Service]:
    await service.broker.start()
    await service.start()
    try:
        yield service
    finally:
        await service.stop()


@pytest.fixture
async def ledger(nats_server: EmbeddedNats, provisioned: Topology) -> AsyncIterator[Service]:
    """Who knows of nothing that was taken down."""

    async def match(request: MatchImage) -> ImageMatch:
        return ImageMatch()

    async with open_service("ledger", settings(nats_server.url, provisioned)) as service:
        service.topology = provisioned
        service.answer(MATCH_IMAGE, match)
        async with running(service):
            yield service


async def read(js: JetStreamContext, topology: Topology) -> ContentModerated:
    stream = topology.stream(ContentModerated)
    msg = await js.get_last_msg(stream, topology.subjects(ContentModerated))
    return ContentModerated.model_validate_json(msg.data or b"")


async def count(js: JetStreamContext, topology: Topology) -> int:
    return (await js.stream_info(topology.stream(ContentModerated))).state.messages


async def test_pieces_approvals_checks_and_health_are_served(
    nats_server: EmbeddedNats, js: JetStreamContext, provisioned: Topology, ledger: Service
) -> None:
    facts = JetStreamFactLog(js, provisioned, source="/tests")
    staging = JetStreamBlobs(js, provisioned.bucket("staging"))
    image = await staging.put("p/1", drawn_png(), media_type="image/png")
    async with open_app(settings(nats_server.url, provisioned)) as service, running(service):
        event = content_hooked(image=image, generation=generation(preview=True))
        await facts.write(event)
        await eventually(lambda: has_written(js, provisioned, 1))
        moderated = await read(js, provisioned)
        assert moderated.verdict.decision is Decision.APPROVED
        assert KEYS.vouch_for(event, moderated.verdict)
        held = delivery(held=True, source_sha256=image.sha256)
        review = verdict(decision=Decision.REVIEW, image_sha256=image.sha256)
        await facts.write(review_approved(image=image, delivery=held, verdict=review))
        await eventually(lambda: has_written(js, provisioned, 2))
        assert (await read(js, provisioned)).verdict.judge == "review"
        request = CheckContent(tenant="default", text="a tree", image=image)
        assert (await ledger.call(CHECK_CONTENT, request)).decision is Decision.APPROVED
        assert (await ledger.call(SAFETY_HEALTH, Nothing())).detail["judges"] == {
            "preview": "closed"
        }


async def test_a_piece_goes_to_review_when_its_judge_stays_away(
    nats_server: EmbeddedNats, js: JetStreamContext, provisioned: Topology, ledger: Service
) -> None:
    facts = JetStreamFactLog(js, provisioned, source="/tests")
    staging = JetStreamBlobs(js, provisioned.bucket("staging"))
    image = await staging.put("p/1", drawn_png(), media_type="image/png")
    chosen = settings(nats_server.url, provisioned, safety_judge_wait_seconds=0.5)
    async with open_service("safety", chosen) as service:
        assemble(service, [IsAway()], RULES, chosen)
        async with running(service):
            await facts.write(content_hooked(image=image))
            await eventually(lambda: has_written(js, provisioned, 1))
            assert (await read(js, provisioned)).verdict.decision is Decision.REVIEW
            with pytest.raises(TryLater):
                await ledger.call(CHECK_CONTENT, CheckContent(tenant="default", text="a tree"))


async def has_written(js: JetStreamContext, topology: Topology, number: int) -> bool:
    return await count(js, topology) >= number
