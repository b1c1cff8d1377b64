"""What is delivered is a copy in the format that was set; what is held is what was judged."""

import hashlib
import io

import pytest
from PIL import Image

from services.storage.adapters.pillow_imaging import PillowImaging
from services.storage.domain import MOST_IMAGE_BYTES, DeliveryFormat, beginning_of_delivery
from services.storage.ports import Area
from shared.content import BlobRef
from shared.events import ContentStored
from shared.outcomes import GiveUp
from shared.provenance import Provenance
from tests.builders import brief, generation
from tests.storage.test_deliver import WAITING, Shelf, changed, picture
from tests.storage.trailing_signer import TrailingSigner

FORMS = {"PNG": ("image/png", "png"), "JPEG": ("image/jpeg", "jpg"), "WEBP": ("image/webp", "webp")}


async def told_by(shelf: Shelf, stored: ContentStored, key: str) -> Provenance:
    area = Area.PUBLIC if stored.delivery.public else Area.PRIVATE
    told = await TrailingSigner().read(shelf.objects.kept[area, key], "image/jpeg")
    assert told is not None
    return told


@pytest.mark.parametrize("given", FORMS)
@pytest.mark.parametrize(
    ("wanted", "form"),
    [
        (DeliveryFormat.JPEG, "JPEG"),
        (DeliveryFormat.WEBP, "WEBP"),
        (DeliveryFormat.ORIGINAL, None),
    ],
)
async def test_extension_and_media_type_are_those_of_the_true_format(
    given: str, wanted: DeliveryFormat, form: str | None
) -> None:
    shelf = Shelf()
    store = shelf.with_imaging(PillowImaging(wanted))
    delivery = (await store(await shelf.moderated(picture(form=given)))).delivery
    media_type, extension = FORMS[form or given]
    assert delivery.object_key.endswith(f".{extension}")
    assert delivery.media_type == media_type
    with Image.open(io.BytesIO(shelf.objects.kept[Area.PUBLIC, delivery.object_key])) as image:
        assert image.format == (form or given)


async def test_the_facts_are_those_of_the_delivered_file_and_name_the_judged_bytes() -> None:
    shelf = Shelf()
    stored = await shelf.store(await shelf.moderated(picture(640, 960)))
    delivery = stored.delivery
    data = shelf.objects.kept[Area.PUBLIC, delivery.object_key]
    assert delivery.image_sha256 == hashlib.sha256(data).hexdigest()
    assert delivery.size == len(data)
    assert (delivery.width, delivery.height) == (640, 960)
    assert delivery.source_sha256 == hashlib.sha256(picture(640, 960)).hexdigest()
    assert delivery.image_sha256 != delivery.source_sha256


async def test_image_and_thumbnail_tell_how_they_came_to_be_and_no_prompt() -> None:
    shelf = Shelf()
    event = await shelf.moderated(
        picture(),
        brief=brief(prompt="canary prompt", lora={"key": "loras/canary.safetensors"}),
        generation=generation(model="sdxl-base", lora_applied=True, lora_scale=0.7),
    )
    stored = await shelf.store(event)
    for key in (stored.delivery.object_key, stored.delivery.thumbnail_key):
        told = await told_by(shelf, stored, key)
        assert (told.piece_id, told.run, told.model) == (event.piece_id, 1, "sdxl-base")
        assert told.source_sha256 == event.image.sha256
        assert told.lora is not None
        assert told.lora.scale == 0.7
        assert told.lora.key_sha256 == hashlib.sha256(b"loras/canary.safetensors").hexdigest()
        assert b"canary" not in shelf.objects.kept[Area.PUBLIC, key]


async def test_the_hash_of_the_weights_is_told_where_their_user_tells_it() -> None:
    shelf = Shelf()
    made_with = {"sampler": "euler", "largest_batch": 1, "device": "cpu", "dtype": "float32"}
    for known, told_sha256 in (({}, None), ({"lora_sha256": "c4" * 32}, "c4" * 32)):
        made = generation(lora_applied=True, made_with=made_with | known)
        stored = await shelf.store(await shelf.moderated(picture(), generation=made))
        told = await told_by(shelf, stored, stored.delivery.object_key)
        assert told.lora is not None
        assert told.lora.file_sha256 == told_sha256


async def test_a_lora_that_was_not_applied_is_not_told_of() -> None:
    shelf = Shelf()
    event = await shelf.moderated(picture(), generation=generation(lora_applied=False))
    stored = await shelf.store(event)
    assert (await told_by(shelf, stored, stored.delivery.object_key)).lora is None


async def test_what_is_held_is_what_was_judged_and_is_signed_by_nobody() -> None:
    shelf = Shelf()
    event = changed(await shelf.moderated(picture()), **WAITING)
    delivery = (await shelf.store(event)).delivery
    assert shelf.objects.kept[Area.REVIEW, delivery.object_key] == picture()
    assert delivery.object_key.endswith(".png")
    assert delivery.image_sha256 == delivery.source_sha256 == event.image.sha256
    with Image.open(
        io.BytesIO(shelf.objects.kept[Area.REVIEW, delivery.thumbnail_key])
    ) as thumbnail:
        assert thumbnail.format == "JPEG"


@pytest.mark.parametrize("uploaded", [True, False])
async def test_kept_originals_are_private_whatever_the_piece_is(*, uploaded: bool) -> None:
    shelf = Shelf()
    store = shelf.with_imaging(PillowImaging(), keep_originals=True)
    event = await shelf.moderated(picture(), brief=brief(upload_to_storage=uploaded))
    delivery = (await store(event)).delivery
    (original,) = (key for _, key in shelf.objects.kept if "_original" in key)
    assert original == f"{beginning_of_delivery(delivery.object_key)}_original.png"
    assert [area for area, key in shelf.objects.kept if key == original] == [Area.PRIVATE]
    assert shelf.objects.kept[Area.PRIVATE, original] == picture()


async def test_originals_are_not_kept_unless_somebody_wants_them() -> None:
    shelf = Shelf()
    await shelf.store(await shelf.moderated(picture()))
    assert not any("_original" in key for _, key in shelf.objects.kept)


async def test_all_files_of_a_delivery_begin_alike() -> None:
    shelf = Shelf()
    store = shelf.with_imaging(PillowImaging(), keep_originals=True)
    delivery = (await store(await shelf.moderated(picture()))).delivery
    for key in (delivery.object_key, delivery.thumbnail_key):
        beginning = beginning_of_delivery(key)
        assert all(kept.startswith(beginning) for _, kept in shelf.objects.kept)
        assert beginning.rpartition("_")[2], "a beginning without a token would be of every run"


async def test_an_image_that_claims_too_many_bytes_is_not_even_fetched() -> None:
    shelf = Shelf()
    event = await shelf.moderated(picture())
    large = event.image.model_copy(update={"size": MOST_IMAGE_BYTES + 1})

    async def never(ref: BlobRef) -> bytes:
        raise AssertionError(ref.size)

    shelf.staging.get = never  # type: ignore[method-assign]
    with pytest.raises(GiveUp) as gave_up:
        await shelf.store(event.model_copy(update={"image": large}))
    assert gave_up.value.reason == "invalid_image"


async def test_a_delivered_copy_can_be_the_source_of_another_piece() -> None:
    """A substitute is delivered anew: its own credentials, and nothing of the lender's."""
    shelf = Shelf()
    first = await shelf.store(await shelf.moderated(picture()))
    lent = shelf.objects.kept[Area.PUBLIC, first.delivery.object_key]
    second = await shelf.store(await shelf.moderated(lent, piece_id="another"))
    data = shelf.objects.kept[Area.PUBLIC, second.delivery.object_key]
    told = await told_by(shelf, second, second.delivery.object_key)
    assert (told.piece_id, told.source_sha256) == ("another", first.delivery.image_sha256)
    assert first.piece_id.encode() not in data


@pytest.mark.parametrize("name", ["piece_token", ".jpg", "_thumb.jpg", "piece.v2/x", "x"])
def test_no_key_begins_as_the_files_of_others_do(name: str) -> None:
    """What begins so is deleted when the delivery is withdrawn."""
    beginning = beginning_of_delivery(f"content/a.b/{name}")
    assert beginning.startswith("content/a.b/")
    assert not "content/a.b/another_token.jpg".startswith(beginning)
    assert beginning_of_delivery(name) != ""
