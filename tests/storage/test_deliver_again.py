"""A piece that is delivered again finds what an earlier try has kept."""

import pytest

from services.storage.adapters.pillow_imaging import PillowImaging
from services.storage.domain import provenance_of
from services.storage.ports import Area
from shared.events import ContentModerated
from shared.outcomes import GiveUp, TryLater
from tests.storage.fakes import MemoryObjects
from tests.storage.test_deliver import Shelf, picture
from tests.storage.trailing_signer import signed, unsigned


class ShortOfBreath(MemoryObjects):
    """Dies after so many files, once."""

    breath = 1

    async def create(self, area: Area, key: str, data: bytes, *, media_type: str) -> None:
        if self.breath == 0:
            self.breath = 10
            raise TryLater("died")
        self.breath -= 1
        await super().create(area, key, data, media_type=media_type)


async def test_what_an_earlier_try_has_kept_stays_and_is_told_of() -> None:
    shelf = Shelf()
    event = await shelf.moderated(picture())
    first = await shelf.store(event)
    kept = dict(shelf.objects.kept)
    assert await shelf.store(event) == first
    assert shelf.objects.kept == kept


async def test_a_try_that_died_between_two_files_is_finished_by_the_next() -> None:
    shelf = Shelf()
    shelf.objects = ShortOfBreath()
    store = shelf.with_imaging(PillowImaging())
    event = await shelf.moderated(picture())
    with pytest.raises(TryLater):
        await store(event)
    (thumbnail,) = shelf.objects.kept.items()
    delivery = (await store(event)).delivery
    assert thumbnail in shelf.objects.kept.items()
    assert {key for _, key in shelf.objects.kept} == {delivery.object_key, delivery.thumbnail_key}


async def test_a_copy_of_another_quality_is_still_one_of_the_same_bytes() -> None:
    shelf = Shelf()
    event = await shelf.moderated(picture())
    first = await shelf.with_imaging(PillowImaging(quality=60))(event)
    assert await shelf.with_imaging(PillowImaging(quality=95))(event) == first


async def occupied(
    shelf: Shelf, event: ContentModerated, image: bytes, *, teller: ContentModerated
) -> None:
    """Put a file that tells of `teller` and shows `image` where the event's own would lie."""
    delivery = (await shelf.store(event)).delivery
    told = signed(unsigned(image), provenance_of(teller))
    shelf.objects.kept[Area.PUBLIC, delivery.object_key] = told


async def copy_of(data: bytes) -> bytes:
    """What would be delivered of other bytes."""
    shelf = Shelf()
    stored = await shelf.store(await shelf.moderated(data))
    return shelf.objects.kept[Area.PUBLIC, stored.delivery.object_key]


async def test_a_file_that_tells_and_shows_the_same_is_adopted() -> None:
    shelf = Shelf()
    event = await shelf.moderated(picture())
    await occupied(shelf, event, await copy_of(picture()), teller=event)
    await shelf.store(event)


@pytest.mark.parametrize("news", [{"piece_id": "another"}, {"run": 2}])
async def test_a_file_that_tells_of_another_piece_or_run_is_not_adopted(
    news: dict[str, object],
) -> None:
    shelf = Shelf()
    event = await shelf.moderated(picture())
    teller = event.model_copy(update=news)
    await occupied(shelf, event, await copy_of(picture()), teller=teller)
    with pytest.raises(GiveUp, match="object_exists"):
        await shelf.store(event)


async def test_a_file_that_tells_of_other_bytes_is_not_adopted() -> None:
    shelf = Shelf()
    event = await shelf.moderated(picture())
    other = event.image.model_copy(update={"sha256": "0" * 64})
    teller = event.model_copy(update={"image": other})
    await occupied(shelf, event, await copy_of(picture()), teller=teller)
    with pytest.raises(GiveUp, match="object_exists"):
        await shelf.store(event)


@pytest.mark.parametrize("size", [(640, 960), (320, 480)], ids=["other pixels", "other size"])
async def test_a_file_that_shows_something_else_is_not_adopted_whatever_it_tells(
    size: tuple[int, int],
) -> None:
    shelf = Shelf()
    event = await shelf.moderated(picture())
    shown = picture(*size, colour="teal" if size != (640, 960) else "crimson")
    await occupied(shelf, event, await copy_of(shown), teller=event)
    with pytest.raises(GiveUp, match="object_exists"):
        await shelf.store(event)


async def test_a_file_without_credentials_is_not_adopted() -> None:
    shelf = Shelf()
    event = await shelf.moderated(picture())
    delivery = (await shelf.store(event)).delivery
    place = Area.PUBLIC, delivery.object_key
    shelf.objects.kept[place] = unsigned(shelf.objects.kept[place])
    with pytest.raises(GiveUp, match="object_exists"):
        await shelf.store(event)


async def test_what_vanishes_while_it_is_looked_at_makes_the_piece_wait() -> None:
    class Vanishing(MemoryObjects):
        async def read(self, area: Area, key: str) -> bytes:
            await self.delete(key)
            return await super().read(area, key)

    shelf = Shelf()
    shelf.objects = Vanishing()
    store = shelf.with_imaging(PillowImaging())
    event = await shelf.moderated(picture())
    await store(event)
    with pytest.raises(TryLater):
        await store(event)
