"""Uploading what was kept back: verified as a delivery is, repeatable, and nothing is ever lost."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from services.storage.adapters.pillow_imaging import PillowImaging
from services.storage.adapters.s3.opening import Remote
from services.storage.handler.deliver import StoreContent
from services.storage.handler.uploading import UploadPiece
from services.storage.ports import Area, ObjectMissing, ObjectStore
from shared.calls import Piece, PieceRef, PieceUploaded, UploadReceipt
from shared.content import Decision, Rating, Tier, Verdict
from shared.events import ContentStored
from shared.outcomes import TryLater
from shared.problems import Problem, not_found
from tests.builders import brief
from tests.storage.fakes import MemoryObjects
from tests.storage.s3.test_strangers import seen_by_anybody
from tests.storage.test_deliver import SECRET, Shelf, changed, picture
from tests.verdict_keys import KEYS, SIGNER, STRANGER

TAKEN_DOWN = Problem(410, "piece_taken_down", "The piece was taken down.")


@dataclass
class Record:
    """The ledger's record of one delivered piece."""

    event: ContentStored
    piece: Piece
    verdict: Verdict | None = None
    refusal: Exception | None = None
    recorded: int = 0
    before_record: Callable[[], Awaitable[None]] | None = None

    async def receipt(self, piece: PieceRef) -> UploadReceipt:
        if piece.tenant != self.event.tenant:
            raise not_found("piece", piece.piece_id)
        verdict = self.verdict or self.event.verdict
        source = self.event.delivery.source_sha256
        return UploadReceipt(piece=self.piece, source_sha256=source, verdict=verdict)

    async def record(self, piece: PieceRef, *, url: str, public: bool) -> Piece:
        assert piece.piece_id == self.piece.id
        if self.before_record is not None:
            await self.before_record()
        if self.refusal is not None:
            raise self.refusal
        if not self.piece.uploaded:
            self.recorded += 1
            news = {"uploaded": True, "public": public, "url": url}
            self.piece = self.piece.model_copy(update=news)
        return self.piece


@dataclass
class Depot:
    """A piece that was delivered without upload, and who uploads it."""

    shelf: Shelf
    record: Record
    objects: ObjectStore = field(init=False)

    def __post_init__(self) -> None:
        self.objects = self.shelf.objects

    def upload(self) -> Awaitable[PieceUploaded]:
        upload = UploadPiece(
            self.record, self.objects, self.shelf.signer, (Tier.CAPA1,), KEYS, limit_s=5
        )
        return upload(PieceRef(tenant="default", piece_id=self.record.piece.id))

    @property
    def areas(self) -> dict[Area, int]:
        found = [area for area, _ in self.shelf.objects.kept]
        return {area: found.count(area) for area in set(found)}


async def depot(tier: Tier = Tier.CAPA1) -> Depot:
    shelf = Shelf()
    event = await shelf.moderated(picture(), brief=brief(upload_to_storage=False))
    stored = await shelf.store(changed(event, tier=tier))
    shelf.signer.signatures = 0
    return Depot(shelf, Record(stored, piece_of(stored)))


def piece_of(stored: ContentStored) -> Piece:
    delivery = stored.delivery
    return Piece(
        id=stored.piece_id,
        task_id=stored.task_id,
        avatar_id=stored.brief.avatar_id,
        index=0,
        state="persisted",
        run=stored.run,
        access_tier=stored.verdict.tier,
        prompt="",
        platform="x",
        created_at=stored.accepted_at,
        image_sha256=delivery.image_sha256,
        **delivery.model_dump(
            include={"object_key", "thumbnail_key", "url", "public", "uploaded", "media_type"}
        ),
    )


async def test_a_public_tier_moves_to_where_anybody_can_read_it_byte_for_byte() -> None:
    place = await depot()
    before = {key: data for (_, key), data in place.shelf.objects.kept.items()}
    assert place.areas == {Area.PRIVATE: 2}
    uploaded = await place.upload()
    assert uploaded.piece is not None
    assert (uploaded.piece.uploaded, uploaded.piece.public) == (True, True)
    assert uploaded.piece.url == f"memory://public/{uploaded.piece.object_key}"
    assert place.areas == {Area.PUBLIC: 2}
    assert {key: data for (_, key), data in place.shelf.objects.kept.items()} == before
    assert await place.upload() == uploaded


@pytest.mark.parametrize("tier", [Tier.CAPA2, Tier.CAPA3])
async def test_other_tiers_stay_private_and_are_linked_from_then_on(tier: Tier) -> None:
    place = await depot(tier)
    uploaded = await place.upload()
    assert uploaded.piece is not None
    assert (uploaded.piece.uploaded, uploaded.piece.public) == (True, False)
    assert place.areas == {Area.PRIVATE: 2}


async def test_many_at_once_upload_it_once_and_get_the_same_answer() -> None:
    place = await depot()
    answers = await asyncio.gather(*(place.upload() for _ in range(8)))
    assert [answer == answers[0] for answer in answers] == [True] * 8
    assert answers[0].piece is not None
    assert place.record.recorded == 1
    assert place.areas == {Area.PUBLIC: 2}


async def test_who_comes_to_read_when_a_twin_has_moved_it_finds_it_there() -> None:
    place = await depot()
    moved = {(Area.PUBLIC, key): data for (_, key), data in place.shelf.objects.kept.items()}
    place.shelf.objects.kept = moved
    assert (await place.upload()).piece is not None
    assert place.areas == {Area.PUBLIC: 2}


@pytest.mark.parametrize("cut_after", range(5))
async def test_wherever_it_is_cut_off_it_can_be_sent_again(cut_after: int) -> None:
    place = await depot()
    place.objects = Cut(place.shelf.objects.kept, left=cut_after)
    with pytest.raises(_Died):
        await place.upload()
    key = place.record.piece.object_key or ""
    seen = [area for area in Area if (area, key) in place.shelf.objects.kept]
    # At no moment is there none where the record says that it lies.
    assert (Area.PUBLIC if place.record.piece.public else Area.PRIVATE) in seen
    place.objects = place.shelf.objects
    answer = await place.upload()
    assert answer.piece is not None
    assert answer.piece.public
    assert (Area.PUBLIC, key) in place.shelf.objects.kept


class _Died(BaseException):
    """As by `kill -9`."""


@dataclass
class Cut(MemoryObjects):
    """Dies after so many changes."""

    left: int = 0

    async def create(self, area: Area, key: str, data: bytes, *, media_type: str) -> None:
        self._count()
        await super().create(area, key, data, media_type=media_type)

    async def delete_from(self, area: Area, key: str) -> None:
        self._count()
        await super().delete_from(area, key)

    def link(self, area: Area, key: str) -> str:
        self._count()
        return super().link(area, key)

    def _count(self) -> None:
        if self.left == 0:
            raise _Died
        self.left -= 1


@pytest.mark.parametrize("refusal", [TAKEN_DOWN, not_found("piece", "p")], ids=["down", "deleted"])
async def test_what_goes_for_good_meanwhile_leaves_no_copy(refusal: Problem) -> None:
    place = await depot()
    place.record.refusal = refusal
    answer = await place.upload()
    assert (answer.piece, answer.reason) == (None, refusal.details.code)
    assert place.areas == {}


@pytest.mark.parametrize(
    "trouble", [TryLater("away"), Problem(422, "invalid_request", "not understood")]
)
async def test_while_the_ledger_fails_nothing_is_taken_away(trouble: Exception) -> None:
    place = await depot()
    place.record.refusal = trouble
    if isinstance(trouble, TryLater):
        with pytest.raises(TryLater):
            await place.upload()
    else:
        assert (await place.upload()).reason == "invalid_request"
    assert place.areas == {Area.PRIVATE: 2, Area.PUBLIC: 2}


async def test_under_other_tiers_meanwhile_the_record_decides_what_stays() -> None:
    place = await depot()

    async def recorded_by_a_twin() -> None:
        place.record.piece = place.record.piece.model_copy(update={"uploaded": True})

    place.record.before_record = recorded_by_a_twin
    answer = await place.upload()
    assert answer.piece is not None
    assert not answer.piece.public
    assert place.areas == {Area.PRIVATE: 2}


async def test_other_tenants_learn_nothing() -> None:
    place = await depot()
    place.record.event = place.record.event.model_copy(update={"tenant": "other"})
    assert (await place.upload()).reason == "piece_not_found"
    assert place.areas == {Area.PRIVATE: 2}


def _signed(place: Depot, **news: object) -> Verdict:
    event = place.record.event
    return SIGNER.sign(event, event.verdict.model_copy(update=news))


@pytest.mark.parametrize(
    ("news", "reason"),
    [
        ({"image_sha256": "1" * 64}, "verdict_mismatch"),
        ({"decision": Decision.REVIEW, "rating": Rating.PENDING_REVIEW}, "not_allowed"),
        ({"decision": Decision.REJECTED, "rating": Rating.REJECTED}, "not_allowed"),
    ],
)
async def test_no_verdict_that_forbids_it_is_acted_on(news: dict[str, object], reason: str) -> None:
    place = await depot()
    place.record.verdict = _signed(place, **news)
    assert (await place.upload()).reason == reason
    assert place.areas == {Area.PRIVATE: 2}


@pytest.mark.parametrize("forged", ["stranger", "tier", "run"])
async def test_nobody_elses_verdict_counts(forged: str) -> None:
    place = await depot(Tier.CAPA3)
    event = place.record.event
    place.record.verdict = {
        "stranger": STRANGER.sign(event, event.verdict),
        "tier": event.verdict.model_copy(update={"tier": Tier.CAPA1}),
        "run": SIGNER.sign(event.model_copy(update={"run": 2}), event.verdict),
    }[forged]
    assert (await place.upload()).reason == "verdict_unsigned"
    assert place.areas == {Area.PRIVATE: 2}


@pytest.mark.parametrize("which", ["object_key", "thumbnail_key"])
@pytest.mark.parametrize("what", ["other bytes", "another piece's", "gone"])
async def test_only_what_was_delivered_is_uploaded(which: str, what: str) -> None:
    place, other = await depot(), await depot()
    key = getattr(place.record.piece, which)
    if what == "gone":
        del place.shelf.objects.kept[Area.PRIVATE, key]
    elif what == "other bytes":
        place.shelf.objects.kept[Area.PRIVATE, key] += b"x"
    else:
        theirs = other.shelf.objects.kept[Area.PRIVATE, getattr(other.record.piece, which)]
        mine, yours = (one.record.piece.id.encode() for one in (place, other))
        place.shelf.objects.kept[Area.PRIVATE, key] = theirs.replace(yours, b"p" + mine[1:])
    expected = "image_lost" if what == "gone" else "file_altered"
    if (which, what) == ("thumbnail_key", "other bytes"):
        place.shelf.objects.kept[Area.PRIVATE, key] = b"unsigned"
    assert (await place.upload()).reason == expected
    assert (Area.PUBLIC, place.record.piece.object_key) not in place.shelf.objects.kept
    assert place.record.recorded == 0


async def test_in_a_remote_store_a_stranger_reads_it_after_its_upload_only(remote: Remote) -> None:
    shelf = Shelf()
    store = StoreContent(
        *(shelf.staging, remote.objects, PillowImaging(), shelf.signer),
        *(SECRET, (Tier.CAPA1,), KEYS),
    )
    event = await shelf.moderated(picture(), brief=brief(upload_to_storage=False))
    stored = await store(event)
    place = Depot(shelf, Record(stored, piece_of(stored)))
    place.objects = remote.objects
    address = remote.objects.link(Area.PUBLIC, stored.delivery.object_key)
    assert await seen_by_anybody(address) is None
    uploaded = await place.upload()
    assert uploaded.piece is not None
    assert uploaded.piece.url == address
    image = await seen_by_anybody(address)
    assert image is not None
    assert hashlib.sha256(image).hexdigest() == stored.delivery.image_sha256
    with pytest.raises(ObjectMissing):
        await remote.objects.read(Area.PRIVATE, stored.delivery.object_key)


async def test_a_store_that_is_away_is_told_and_nothing_is_recorded() -> None:
    place = await depot()
    place.shelf.objects.is_full = True
    assert (await place.upload()).reason == "store_unavailable"
    assert place.record.recorded == 0
    place.shelf.objects.is_full = False
    assert (await place.upload()).piece is not None
