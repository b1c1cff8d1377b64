"""Delivery: only judged bytes, only where the verdict allows, under keys nobody can guess."""

import io
from collections.abc import Callable, Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from services.storage.adapters.pillow_imaging import THUMBNAIL_PX, PillowImaging
from services.storage.domain import is_plain_key, object_key, object_token, thumbnail_key
from services.storage.handler.cleanup import ClearAfterEnd, SweepLeftovers, WithdrawDelivery
from services.storage.handler.deliver import StoreContent
from services.storage.ports import Area
from shared.blobs import BlobMissing
from shared.content import BlobRef, Decision, Rating, Tier
from shared.events import ContentModerated
from shared.outcomes import GiveUp, TryLater
from tests.builders import brief, content_moderated, content_persisted, delivery_withdrawn, verdict
from tests.fakes import MemoryBlobs
from tests.storage.fakes import MemoryObjects
from tests.storage.trailing_signer import TrailingSigner
from tests.verdict_keys import KEYS, STRANGER, signed

SECRET = bytes(range(32))
WAITING = {"decision": Decision.REVIEW, "rating": Rating.PENDING_REVIEW}


def picture(
    width: int = 640, height: int = 960, form: str = "PNG", *, colour: str = "teal"
) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, form)
    return out.getvalue()


class Shelf:
    """Storage with everything around it in memory."""

    def __init__(self, public_tiers: tuple[Tier, ...] = (Tier.CAPA1,)) -> None:
        self.staging = MemoryBlobs()
        self.objects = MemoryObjects()
        self.signer = TrailingSigner()
        self.store = self.with_imaging(PillowImaging(), public_tiers)

    def with_imaging(
        self,
        imaging: PillowImaging,
        public_tiers: tuple[Tier, ...] = (Tier.CAPA1,),
        *,
        keep_originals: bool = False,
    ) -> StoreContent:
        """The same staging and objects, with copies of another kind."""
        return StoreContent(
            *(self.staging, self.objects, imaging, self.signer),
            *(SECRET, public_tiers, KEYS, keep_originals),
        )

    async def moderated(
        self, data: bytes, ref: BlobRef | None = None, **overrides: object
    ) -> ContentModerated:
        image = ref or await self.staging.put("p/1", data, media_type="image/png")
        judged = {"verdict": verdict(image_sha256=image.sha256), "image": image}
        return content_moderated(**(judged | overrides))


def changed(event: ContentModerated, **news: object) -> ContentModerated:
    """The same under another verdict, signed."""
    other = event.verdict.model_copy(update=news)
    return signed(event.model_copy(update={"verdict": other}))


def in_run(event: ContentModerated, run: int, **news: object) -> ContentModerated:
    """The same in another run, its verdict signed for that one."""
    return signed(event.model_copy(update={"run": run} | news))


async def test_a_public_tier_lies_where_anybody_can_read_it_with_its_thumbnail() -> None:
    shelf = Shelf()
    stored = await shelf.store(await shelf.moderated(picture()))
    kept = shelf.objects.kept
    assert {area for area, _ in kept} == {Area.PUBLIC}
    for key, size in (
        (stored.delivery.object_key, (640, 960)),
        (stored.delivery.thumbnail_key, (256, THUMBNAIL_PX)),
    ):
        with Image.open(io.BytesIO(kept[Area.PUBLIC, key])) as image:
            assert (image.format, image.size) == ("JPEG", size)
    assert stored.delivery.public


@pytest.mark.parametrize("tier", [Tier.CAPA2, Tier.CAPA3])
async def test_other_tiers_are_private(tier: Tier) -> None:
    shelf = Shelf()
    event = await shelf.moderated(picture())
    stored = await shelf.store(changed(event, tier=tier))
    assert {area for area, _ in shelf.objects.kept} == {Area.PRIVATE}
    assert not stored.delivery.public


async def test_what_is_not_to_be_uploaded_stays_private_whatever_its_tier() -> None:
    shelf = Shelf()
    stored = await shelf.store(
        await shelf.moderated(picture(), brief=brief(upload_to_storage=False))
    )
    assert {area for area, _ in shelf.objects.kept} == {Area.PRIVATE}
    assert not stored.delivery.uploaded


async def test_what_waits_for_review_is_held_where_nobody_can_reach_it() -> None:
    shelf = Shelf()
    event = await shelf.moderated(picture())
    stored = await shelf.store(changed(event, **WAITING))
    assert stored.delivery.held
    assert {area for area, _ in shelf.objects.kept} == {Area.REVIEW}


async def test_nothing_is_derived_from_bytes_the_verdict_does_not_name() -> None:
    shelf = Shelf()
    event = await shelf.moderated(picture(), verdict=verdict(image_sha256="0" * 64))
    with pytest.raises(GiveUp) as gave_up:
        await shelf.store(event)
    assert gave_up.value.reason == "verdict_mismatch"
    assert not shelf.objects.kept


def unsigned(event: ContentModerated) -> ContentModerated:
    nobody = event.verdict.model_copy(update={"signature": None})
    return event.model_copy(update={"verdict": nobody})


def by_a_stranger(event: ContentModerated) -> ContentModerated:
    return signed(event, STRANGER)


def changed_afterwards(event: ContentModerated) -> ContentModerated:
    raised = event.verdict.model_copy(update={"tier": Tier.CAPA3})
    return event.model_copy(update={"verdict": raised})


def of_another_run(event: ContentModerated) -> ContentModerated:
    return event.model_copy(update={"run": 2})


def of_another_piece(event: ContentModerated) -> ContentModerated:
    return event.model_copy(update={"piece_id": "another"})


def of_another_tenant(event: ContentModerated) -> ContentModerated:
    return event.model_copy(update={"tenant": "another"})


@pytest.mark.parametrize(
    "forge",
    [
        *(unsigned, by_a_stranger, changed_afterwards),
        *(of_another_run, of_another_piece, of_another_tenant),
    ],
)
@pytest.mark.parametrize("news", [{}, WAITING], ids=["approved", "review"])
async def test_nothing_is_derived_by_a_verdict_that_nobody_vouches_for(
    forge: Callable[[ContentModerated], ContentModerated], news: dict[str, object]
) -> None:
    shelf = Shelf()
    event = changed(await shelf.moderated(picture()), **news)
    with pytest.raises(GiveUp) as gave_up:
        await shelf.store(forge(event))
    assert gave_up.value.reason == "verdict_unsigned"
    assert not shelf.objects.kept


async def test_a_rejected_piece_is_not_stored_even_if_somebody_passes_it_on() -> None:
    shelf = Shelf()
    event = await shelf.moderated(picture())
    with pytest.raises(GiveUp) as gave_up:
        await shelf.store(changed(event, decision=Decision.REJECTED))
    assert gave_up.value.reason == "not_allowed"
    assert not shelf.objects.kept


async def test_storing_twice_leaves_one_object() -> None:
    shelf = Shelf()
    event = await shelf.moderated(picture())
    assert await shelf.store(event) == await shelf.store(event)
    assert len(shelf.objects.kept) == 2


async def test_another_run_of_the_piece_has_keys_of_its_own() -> None:
    shelf = Shelf()
    event = await shelf.moderated(picture())
    first = await shelf.store(event)
    second = await shelf.store(in_run(event, 2))
    assert first.delivery.object_key != second.delivery.object_key


@pytest.mark.parametrize("data", [b"", b"not an image", picture()[:500]])
async def test_what_is_no_image_is_given_up_and_leaves_nothing(data: bytes) -> None:
    shelf = Shelf()
    with pytest.raises(GiveUp) as gave_up:
        await shelf.store(await shelf.moderated(data))
    assert gave_up.value.reason == "invalid_image"
    assert not shelf.objects.kept


async def test_a_full_store_makes_the_piece_wait() -> None:
    shelf = Shelf()
    shelf.objects.is_full = True
    with pytest.raises(TryLater):
        await shelf.store(await shelf.moderated(picture()))


async def test_staging_is_cleared_after_the_end_and_clearing_twice_is_fine() -> None:
    staging = MemoryBlobs()
    ref = await staging.put("p/1", b"pixels", media_type="image/png")
    clear = ClearAfterEnd(staging, MemoryObjects())
    for _ in range(2):
        await clear(content_persisted(staged=(ref,)))
    with pytest.raises(BlobMissing):
        await staging.get(ref)


@pytest.mark.parametrize("extension", ["png", "jpg"])
async def test_after_more_than_one_run_only_the_files_of_the_delivery_stay(extension: str) -> None:
    """Storage delivered for a run whose fact was lost with the broker's store."""
    piece = "p"
    kept = (object_key("a", piece, "kept", "png"), thumbnail_key("a", piece, "kept"))
    others = (object_key("a", piece, "lost", extension), thumbnail_key("a", piece, "lost"))
    strangers = (object_key("a", "q", "kept", "png"), object_key("b", piece, "kept", "png"))
    objects = MemoryObjects({(Area.PUBLIC, key): b"x" for key in (*kept, *others, *strangers)})
    end = content_persisted(run=2, avatar_id="a", piece_id=piece, object_key=kept[0])
    await ClearAfterEnd(MemoryBlobs(), objects)(end)
    assert {key for _, key in objects.kept} == {*kept, *strangers}


async def test_a_withdrawn_delivery_is_deleted_wherever_it_lies() -> None:
    objects = MemoryObjects({(area, "content/a/p.png"): b"x" for area in Area})
    await WithdrawDelivery(objects)(delivery_withdrawn(object_keys=("content/a/p.png",)))
    assert not objects.kept


@given(st.uuids(), st.integers(1, 9), st.binary(min_size=32, max_size=32))
def test_a_token_cannot_be_told_without_the_secret(
    piece: object, run: int, other_secret: bytes
) -> None:
    token = object_token(SECRET, str(piece), run, "0" * 64)
    assert len(token) == 26
    assert token == object_token(SECRET, str(piece), run, "0" * 64)
    if other_secret != SECRET:
        assert token != object_token(other_secret, str(piece), run, "0" * 64)


@pytest.mark.parametrize("key", ["../x", "a/../b", "/etc/passwd", "a//b", "", "a/./b", "a\\..\\b"])
def test_keys_that_could_leave_the_root_are_told(key: str) -> None:
    assert not is_plain_key(key)


async def test_staged_bytes_of_ended_pieces_are_swept_up_and_no_others() -> None:
    shelf = Shelf()
    late, twin, waiting = [
        await shelf.staging.put(name, b"bytes", media_type="image/png")
        for name in ("ended/1", "ended/2", "waiting/1")
    ]
    asked: list[str] = []

    async def ended(piece_ids: Collection[str]) -> Collection[str]:
        asked.extend(piece_ids)
        return {"ended"} & set(piece_ids)

    await SweepLeftovers(shelf.staging, shelf.objects, ended)()
    assert sorted(asked) == ["ended", "waiting"]
    assert not await shelf.staging.holds(late)
    assert not await shelf.staging.holds(twin)
    assert await shelf.staging.holds(waiting)


async def test_nothing_is_swept_up_while_nobody_knows_what_has_ended() -> None:
    shelf = Shelf()
    ref = await shelf.staging.put("piece/1", b"bytes", media_type="image/png")

    async def ended(piece_ids: Collection[str]) -> Collection[str]:
        assert piece_ids
        raise TryLater("the ledger is away")

    with pytest.raises(TryLater):
        await SweepLeftovers(shelf.staging, shelf.objects, ended)()
    assert await shelf.staging.holds(ref)
