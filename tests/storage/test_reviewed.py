"""What was held for review: delivered once people approve it, and cleared with its decision."""

from collections.abc import Callable

import pytest

from services.storage.domain import IN_REVIEW, object_key, thumbnail_key
from services.storage.handler.cleanup import ClearAfterEnd
from services.storage.handler.links import SignObjectLinks
from services.storage.ports import Area
from shared.calls import SignLinks
from shared.content import BlobRef, Decision, Tier
from shared.events import ContentModerated, ContentPersisted, ContentStored, PieceEnded
from shared.outcomes import GiveUp
from shared.problems import Problem
from tests.builders import brief, content_failed, content_persisted, content_rejected, verdict
from tests.fakes import MemoryBlobs
from tests.storage.fakes import MemoryObjects
from tests.storage.test_deliver import WAITING, Shelf, changed, in_run, picture
from tests.verdict_keys import signed


async def held(shelf: Shelf) -> ContentStored:
    """A piece whose bytes wait for review."""
    return await shelf.store(changed(await shelf.moderated(picture()), **WAITING))


def approved(waiting: ContentStored, **news: object) -> ContentModerated:
    """What safety says of it after people have approved it; `news` are of the image's address."""
    found = verdict(image_sha256=waiting.image.sha256, reviewers=("key-1",))
    place = {"uri": f"{IN_REVIEW}{waiting.delivery.object_key}"}
    image = waiting.image.model_copy(update=place | news)
    event = ContentModerated.following(waiting, run=2, verdict=found, image=image)
    return signed(event)


def files(shelf: Shelf) -> dict[Area, set[str]]:
    return {area: {key for at, key in shelf.objects.kept if at is area} for area in Area}


async def test_approved_bytes_are_delivered_from_where_they_were_held() -> None:
    shelf = Shelf()
    waiting = await held(shelf)
    shelf.staging.kept.clear()
    stored = await shelf.store(approved(waiting))
    assert not stored.delivery.held
    assert stored.delivery.object_key != waiting.delivery.object_key
    assert files(shelf)[Area.PUBLIC] == {stored.delivery.object_key, stored.delivery.thumbnail_key}
    assert stored.delivery.source_sha256 == waiting.image.sha256
    assert await shelf.store(approved(waiting)) == stored


async def test_the_reviewed_tier_says_who_may_see_them() -> None:
    shelf = Shelf()
    await shelf.store(changed(approved(await held(shelf)), tier=Tier.CAPA2))
    assert not files(shelf)[Area.PUBLIC]
    assert len(files(shelf)[Area.PRIVATE]) == 2


async def test_the_end_of_an_approved_piece_clears_what_was_held() -> None:
    shelf = Shelf()
    stored = await shelf.store(approved(await held(shelf)))
    end = content_persisted(
        run=2,
        avatar_id=stored.brief.avatar_id,
        piece_id=stored.piece_id,
        object_key=stored.delivery.object_key,
        staged=(stored.image,),
    )
    for _ in range(2):
        await ClearAfterEnd(shelf.staging, shelf.objects)(end)
    delivery = stored.delivery
    assert files(shelf) == {
        Area.PUBLIC: {delivery.object_key, delivery.thumbnail_key},
        Area.PRIVATE: set(),
        Area.REVIEW: set(),
    }


@pytest.mark.parametrize("ended", [content_rejected, content_failed])
async def test_a_rejection_clears_what_was_held(ended: Callable[..., PieceEnded]) -> None:
    shelf = Shelf()
    waiting = await held(shelf)
    end = ended(avatar_id=waiting.brief.avatar_id, piece_id=waiting.piece_id)
    await ClearAfterEnd(shelf.staging, shelf.objects)(end)
    assert not shelf.objects.kept


async def test_other_bytes_in_place_of_the_approved_ones_are_not_delivered() -> None:
    shelf = Shelf()
    waiting = await held(shelf)
    shelf.objects.kept[Area.REVIEW, waiting.delivery.object_key] = picture(8, 8)
    with pytest.raises(GiveUp) as gave_up:
        await shelf.store(approved(waiting))
    assert gave_up.value.reason == "image_lost"
    assert not files(shelf)[Area.PUBLIC]


async def test_approved_bytes_that_are_gone_are_lost_and_not_looked_for_elsewhere() -> None:
    shelf = Shelf()
    waiting = await held(shelf)
    await shelf.objects.delete(waiting.delivery.object_key)
    with pytest.raises(GiveUp) as gave_up:
        await shelf.store(approved(waiting))
    assert gave_up.value.reason == "image_lost"


@pytest.mark.parametrize(
    "key",
    [
        *("../private/content/a/p_1.png", "content/../{mine}", "content/other/p_1.png", ""),
        *("/etc/passwd", "{mine}/../../x", "content/{avatar}/other_1.png", "review:{mine}"),
    ],
)
async def test_no_other_file_can_be_passed_off_as_the_approved_one(key: str) -> None:
    shelf = Shelf()
    waiting = await held(shelf)
    mine = waiting.delivery.object_key
    hostile = key.format(mine=mine, avatar=waiting.brief.avatar_id)
    shelf.objects.kept[Area.REVIEW, hostile] = picture()
    with pytest.raises(GiveUp) as gave_up:
        await shelf.store(approved(waiting, uri=f"{IN_REVIEW}{hostile}"))
    assert gave_up.value.reason == "not_allowed"


@pytest.mark.parametrize("decision", [Decision.REVIEW, Decision.SKIPPED])
async def test_only_an_approval_takes_bytes_out_of_review(decision: Decision) -> None:
    shelf = Shelf()
    waiting = await held(shelf)
    with pytest.raises(GiveUp) as gave_up:
        await shelf.store(changed(approved(waiting), decision=decision))
    assert gave_up.value.reason == "not_allowed"


async def test_staging_is_never_asked_for_what_lies_in_review() -> None:
    class Strict(MemoryBlobs):
        async def delete(self, ref: BlobRef) -> None:
            assert ref.uri.startswith("memory://")

    ref = BlobRef(uri=f"{IN_REVIEW}content/a/p_1.png", sha256="0" * 64, size=1, media_type="x")
    await ClearAfterEnd(Strict(), MemoryObjects())(content_persisted(staged=(ref,)))


async def test_a_later_run_is_delivered_beside_and_clears_the_earlier() -> None:
    shelf = Shelf()
    waiting = await held(shelf)
    first = await shelf.store(approved(waiting))
    second = await shelf.store(in_run(approved(waiting), 3))
    end: ContentPersisted = content_persisted(
        run=3,
        avatar_id=second.brief.avatar_id,
        piece_id=second.piece_id,
        object_key=second.delivery.object_key,
    )
    await ClearAfterEnd(shelf.staging, shelf.objects)(end)
    left = {key for keys in files(shelf).values() for key in keys}
    assert left == {second.delivery.object_key, second.delivery.thumbnail_key}
    assert first.delivery.object_key not in left


async def test_links_for_reviewers_are_signed_as_such() -> None:
    sign = SignObjectLinks(MemoryObjects())
    for in_review, signature in ((True, "r"), (False, "s")):
        request = SignLinks(keys=("content/a/p_1.png",), in_review=in_review)
        assert (await sign(request)).urls == (f"memory://content/a/p_1.png?signature={signature}",)
    with pytest.raises(Problem, match="invalid_key"):
        await sign(SignLinks(keys=("../x",), in_review=True))


async def test_a_piece_that_is_not_uploaded_stays_private_after_its_review() -> None:
    shelf = Shelf()
    event = await shelf.moderated(picture(), brief=brief(upload_to_storage=False))
    waiting = await shelf.store(changed(event, **WAITING))
    stored = await shelf.store(approved(waiting))
    assert not stored.delivery.public
    assert not files(shelf)[Area.PUBLIC]


def test_keys_of_deliveries_begin_as_held_ones_do() -> None:
    assert object_key("a", "p", "t", "png").startswith("content/a/p_")
    assert thumbnail_key("a", "p", "t").startswith("content/a/p_")
