"""The whole service on a real broker, its store on S3: away, back, and away at the start."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from nats.js import JetStreamContext

from deploy.local.nats import EmbeddedNats
from services.storage.adapters.s3.layout import Layout
from services.storage.app import open_app
from services.storage.settings import StorageSettings
from shared.blobs import JetStreamBlobs
from shared.calls import (
    FIND_ENDED,
    LEND_BYTES,
    SIGN_LINKS,
    STORAGE_HEALTH,
    ComponentHealth,
    EndedPieces,
    FindEnded,
    LendBytes,
    Nothing,
    SignLinks,
)
from shared.calls.files import FIND_UNOWNED, FindUnowned, UnownedFiles
from shared.content import Decision, Rating
from shared.events import (
    ContentFailed,
    ContentHalted,
    ContentModerated,
    ContentPersisted,
    ContentRejected,
    ContentStored,
    DeliveryWithdrawn,
)
from shared.factlog import JetStreamFactLog
from shared.service import Service, open_service
from shared.settings import ServiceSettings
from shared.topology import (
    CLEAR_FAILED,
    CLEAR_PERSISTED,
    CLEAR_REJECTED,
    STORE,
    WITHDRAW,
    Topology,
)
from tests.builders import brief, content_moderated, delivery_withdrawn, verdict
from tests.eventually import eventually
from tests.storage.s3.middleman import Middleman, Trouble, middleman, said
from tests.storage.s3.server import S3Server
from tests.storage.s3.test_strangers import seen_by_anybody
from tests.storage.test_deliver import changed, picture
from tests.verdict_keys import SIGNER


@pytest.fixture
def topology() -> Topology:
    return Topology(
        namespace=f"t{uuid4().hex[:10]}",
        facts=(
            *(ContentModerated, ContentStored, ContentHalted, DeliveryWithdrawn),
            *(ContentPersisted, ContentRejected, ContentFailed),
        ),
        steps=(STORE, CLEAR_PERSISTED, CLEAR_REJECTED, CLEAR_FAILED, WITHDRAW),
    )


@pytest.fixture
def between(s3: S3Server) -> Iterator[Middleman]:
    with middleman(s3.account.endpoint) as server:
        yield server


@asynccontextmanager
async def running(service: Service) -> AsyncIterator[Service]:
    await service.broker.start()
    await service.start()
    try:
        yield service
    finally:
        await service.stop()


@dataclass
class Storage:
    """A service that can be started again and again, and what goes in and comes out."""

    given: dict[str, Any]
    js: JetStreamContext
    topology: Topology

    def settings(self, **more: object) -> StorageSettings:
        return StorageSettings.model_validate(self.given | more)

    @asynccontextmanager
    async def started(self, **more: object) -> AsyncIterator[Service]:
        async with open_app(self.settings(**more)) as service, running(service):
            yield service

    async def order(self, **overrides: object) -> ContentModerated:
        """A piece with its bytes in staging, moderated."""
        staging = JetStreamBlobs(self.js, self.topology.bucket("staging"))
        event = content_moderated(**overrides)
        image = await staging.put(f"{event.piece_id}/1", picture(), media_type="image/png")
        judged = event.verdict.model_copy(update={"image_sha256": image.sha256})
        return changed(event.model_copy(update={"image": image, "verdict": judged}))

    async def write(self, fact: ContentModerated | DeliveryWithdrawn) -> None:
        assert await JetStreamFactLog(self.js, self.topology, source="/tests").write(fact)

    async def count(self, fact: type[ContentStored | ContentHalted]) -> int:
        return (await self.js.stream_info(self.topology.stream(fact))).state.messages

    async def stored(self, event: ContentModerated) -> ContentStored:
        async def is_there() -> bool:
            return await self.count(ContentStored) > 0

        await eventually(is_there, every_s=0.1)
        subject = self.topology.subject_of(ContentStored, event.subject_tokens)
        message = await self.js.get_last_msg(self.topology.stream(ContentStored), subject)
        return ContentStored.model_validate_json(message.data or b"")

    @property
    def held(self) -> list[Path]:
        return [path for path in (self.given["objects_dir"] / ".held").iterdir() if path.is_dir()]


async def health(service: Service) -> ComponentHealth:
    return await service.call(STORAGE_HEALTH, Nothing())


@pytest.fixture
async def ledger(nats_server: EmbeddedNats, provisioned: Topology) -> AsyncIterator[None]:
    async def nobody(_: FindEnded) -> EndedPieces:
        return EndedPieces(piece_ids=())

    async def none(_: FindUnowned) -> UnownedFiles:
        return UnownedFiles(keys=())

    given = ServiceSettings(nats_url=nats_server.url, nats_namespace=provisioned.namespace)
    async with open_service("ledger", given) as service:
        service.answer(FIND_ENDED, nobody)
        service.answer(FIND_UNOWNED, none)
        async with running(service):
            yield


@pytest.fixture
async def storage(
    nats_server: EmbeddedNats,
    provisioned: Topology,
    js: JetStreamContext,
    ledger: None,
    s3: S3Server,
    layout: Layout,
    between: Middleman,
    tmp_path: Path,
) -> Storage:
    objects_dir = tmp_path / "objects"
    given = {
        "nats_url": nats_server.url,
        "nats_namespace": provisioned.namespace,
        "objects_dir": objects_dir,
        "objects_reserve_mb": 0,
        "link_signing_key": "00" * 32,
        "verdict_public_keys": SIGNER.public_key,
        "r2_endpoint_url": between.origin,
        "r2_access_key_id": s3.account.access_key_id,
        "r2_secret_access_key": s3.account.secret_access_key,
        "r2_bucket_name": layout.bucket,
        "r2_public_bucket_name": layout.public_bucket,
        "r2_public_url": s3.public_url(layout),
        "r2_region": s3.account.region,
    }
    return Storage(given, js, provisioned)


async def test_a_delivery_is_open_at_its_address_and_goes_with_its_avatar(
    storage: Storage,
) -> None:
    event = await storage.order()
    async with storage.started() as service:
        await storage.write(event)
        delivery = (await storage.stored(event)).delivery
        shown = await seen_by_anybody(delivery.url)
        assert shown is not None
        assert len(shown) == delivery.size
        assert (await health(service)).status == "ok"
        await storage.write(
            delivery_withdrawn(object_keys=(delivery.object_key, delivery.thumbnail_key))
        )

        async def is_gone() -> bool:
            return await seen_by_anybody(delivery.url) is None

        await eventually(is_gone, every_s=0.1)


@pytest.mark.parametrize(
    "trouble",
    [said(503, "SlowDown"), Trouble("resets"), said(403, "InvalidAccessKeyId")],
    ids=["busy", "resets", "credentials withdrawn"],
)
async def test_an_outage_holds_the_files_here_and_tells_of_them_when_they_are_up_there(
    storage: Storage, between: Middleman, trouble: Trouble
) -> None:
    event = await storage.order()
    async with storage.started() as service:
        between.always = trouble
        await storage.write(event)
        await eventually(lambda: storage.held, every_s=0.1)
        told = await health(service)
        assert (told.status, told.detail["waiting"]) == ("down", 1)
        assert await storage.count(ContentStored) == 0
    # Also over a restart.
    between.always = None
    async with storage.started() as service:
        delivery = (await storage.stored(event)).delivery
        assert await seen_by_anybody(delivery.url) is not None
        await eventually(lambda: not storage.held, every_s=0.1)
        assert (await health(service)).status == "ok"
    assert await storage.count(ContentHalted) == 0


async def test_a_store_that_is_away_at_the_start_does_not_stop_the_service(
    storage: Storage, between: Middleman
) -> None:
    event = await storage.order()
    between.always = said(503, "SlowDown")
    async with storage.started() as service:
        assert (await health(service)).status == "down"
        await storage.write(event)
        await eventually(lambda: storage.held, every_s=0.1)
        between.always = None
        await storage.stored(event)


async def test_wrong_credentials_stop_it_before_it_is_ready(
    storage: Storage, between: Middleman, capsys: pytest.CaptureFixture[str]
) -> None:
    between.always = said(403, "SignatureDoesNotMatch")
    with pytest.raises(SystemExit) as exits:
        async with storage.started():
            pytest.fail("it started")
    assert exits.value.code == 2
    assert "R2_SECRET_ACCESS_KEY" in capsys.readouterr().err


async def test_what_is_not_open_is_reached_by_signed_links_only(storage: Storage) -> None:
    event = await storage.order(brief=brief(upload_to_storage=False))
    async with storage.started() as service:
        await storage.write(event)
        delivery = (await storage.stored(event)).delivery
        signed = await service.call(SIGN_LINKS, SignLinks(keys=(delivery.object_key,)))
        shown = await seen_by_anybody(signed.urls[0])
        assert shown is not None
        assert await seen_by_anybody(signed.urls[0].partition("?")[0]) is None
        assert (await health(service)).detail["waiting"] == 0
        # The gateway makes a data URL of what it is lent.
        wanted = LendBytes(tenant="default", key=delivery.object_key, name="check-1")
        lent = (await service.call(LEND_BYTES, wanted)).image
        assert await service.staging.get(lent) == shown


async def test_what_waits_for_review_opens_to_reviewers_alone(storage: Storage) -> None:
    found = verdict(decision=Decision.REVIEW, rating=Rating.PENDING_REVIEW)
    event = await storage.order(verdict=found)
    async with storage.started() as service:
        await storage.write(event)
        delivery = (await storage.stored(event)).delivery
        assert delivery.held
        keys = (delivery.object_key,)
        for in_review in (True, False):
            asked = SignLinks(keys=keys, in_review=in_review)
            (link,) = (await service.call(SIGN_LINKS, asked)).urls
            assert (await seen_by_anybody(link) == picture()) is in_review
            assert await seen_by_anybody(link.partition("?")[0]) is None
