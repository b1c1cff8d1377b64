"""Pixels: what is refused before it is decoded, how copies look, how many at a time."""

import asyncio
import io
import threading
import time

import pytest
from PIL import Image

from services.storage.adapters.pillow_imaging import THUMBNAIL_PX, PillowImaging, imaging
from services.storage.domain import MOST_IMAGE_BYTES, DeliveryFormat
from shared.outcomes import GiveUp
from tests.eventually import PATIENCE_S, eventually
from tests.storage.pictures import encoded, gradient, png_of_size, swapped_profile
from tests.storage.signed_files import derived

FORMATS = ("PNG", "JPEG", "WEBP")


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def pixel(image: Image.Image, x: int, y: int) -> tuple[int, ...]:
    found = image.getpixel((x, y))
    assert isinstance(found, tuple)
    return tuple(int(step) for step in found)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("wanted", DeliveryFormat)
async def test_a_copy_shows_the_same_in_the_same_size(form: str, wanted: DeliveryFormat) -> None:
    source = encoded(gradient(640, 480), form)
    copies = await derived(PillowImaging(wanted), source)
    assert (copies.image.width, copies.image.height) == opened(copies.image.data).size == (640, 480)
    assert await PillowImaging().look_alike(source, copies.image.data)
    assert (copies.source_media_type, copies.source_extension) == {
        "PNG": ("image/png", "png"),
        "JPEG": ("image/jpeg", "jpg"),
        "WEBP": ("image/webp", "webp"),
    }[form]


async def test_a_png_that_stays_one_loses_nothing_of_its_pixels() -> None:
    source = gradient(96, 64)
    copies = await derived(PillowImaging(DeliveryFormat.ORIGINAL), encoded(source))
    assert opened(copies.image.data).tobytes() == source.tobytes()


async def test_quality_is_what_was_set() -> None:
    source = encoded(gradient(512, 512))
    poor, rich = [
        len((await derived(PillowImaging(quality=quality), source)).image.data)
        for quality in (20, 95)
    ]
    assert poor < rich / 2


@pytest.mark.parametrize(
    ("size", "expected"),
    [((1024, 1024), (384, 384)), ((640, 960), (256, 384)), ((100, 50), (100, 50))],
)
async def test_thumbnails_fit_a_square_and_keep_their_shape(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    thumbnail = (await derived(PillowImaging(), encoded(gradient(*size)))).thumbnail
    assert opened(thumbnail.data).size == expected == (thumbnail.width, thumbnail.height)
    assert max(expected) <= THUMBNAIL_PX


async def test_what_is_held_has_its_own_format_and_a_thumbnail() -> None:
    look = await PillowImaging(DeliveryFormat.WEBP).look(encoded(gradient(640, 480), "JPEG"))
    assert (look.media_type, look.extension) == ("image/jpeg", "jpg")
    assert (look.width, look.height) == (640, 480)
    assert opened(look.thumbnail_jpeg).size == (384, 288)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"not an image", id="text"),
        pytest.param(encoded(gradient(), "GIF"), id="another format"),
        pytest.param(encoded(gradient(640, 480))[:800], id="cut off"),
        pytest.param(png_of_size(2**16, 2**15), id="many pixels"),
        pytest.param(encoded(Image.new("L", (2049, 2048))), id="more pixels than allowed"),
        pytest.param(encoded(gradient()) + bytes(MOST_IMAGE_BYTES), id="many bytes"),
        pytest.param(
            encoded(gradient(), save_all=True, append_images=[gradient().rotate(90)]), id="frames"
        ),
        pytest.param(
            encoded(gradient(), "WEBP", save_all=True, append_images=[gradient().rotate(90)]),
            id="frames of WebP",
        ),
        pytest.param(encoded(Image.new("I;16", (64, 48), 700)), id="deep pixels"),
        pytest.param(
            encoded(Image.merge("RGBA", (*gradient().split(), Image.new("L", (64, 48), 9)))),
            id="see-through",
        ),
    ],
)
async def test_what_no_copy_can_be_made_of_is_given_up(data: bytes) -> None:
    began = time.process_time()
    for act in (derived, PillowImaging.look):
        with pytest.raises(GiveUp) as gave_up:
            await act(PillowImaging(), data)
        assert gave_up.value.reason == "invalid_image"
    assert time.process_time() - began < 1, "it was decoded"


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "1"])
async def test_pixels_of_other_modes_are_delivered_as_plain_colours(mode: str) -> None:
    source = gradient(mode=mode)
    copies = await derived(PillowImaging(DeliveryFormat.ORIGINAL), encoded(source))
    assert opened(copies.image.data).mode == "RGB"
    assert opened(copies.image.data).tobytes() == source.convert("RGB").tobytes()


async def test_a_print_is_delivered_as_it_looks_on_a_screen() -> None:
    copies = await derived(PillowImaging(), encoded(gradient(mode="CMYK"), "JPEG"))
    assert opened(copies.image.data).mode == "RGB"


@pytest.mark.parametrize("orientation", range(1, 9))
async def test_an_image_that_lies_on_its_side_is_delivered_upright(orientation: int) -> None:
    told = Image.Exif()
    told[274] = orientation
    stored = gradient(64, 32)
    copies = await derived(PillowImaging(DeliveryFormat.ORIGINAL), encoded(stored, exif=told))
    shown = opened(copies.image.data)
    assert shown.size == ((64, 32) if orientation < 5 else (32, 64))
    # Where the first pixel of the first row belongs, by the table of TIFF 6.0, page 36.
    right, bottom = shown.width - 1, shown.height - 1
    corner = {
        1: (0, 0),
        2: (right, 0),
        3: (right, bottom),
        4: (0, bottom),
        5: (0, 0),
        6: (right, 0),
        7: (right, bottom),
        8: (0, bottom),
    }[orientation]
    assert pixel(shown, *corner) == pixel(stored, 0, 0)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
async def test_broken_exif_is_no_reason_to_refuse_an_image() -> None:
    data = encoded(gradient(), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    await derived(PillowImaging(), data)


@pytest.mark.parametrize("form", FORMATS)
async def test_colours_of_another_space_are_those_that_a_screen_shows(form: str) -> None:
    red = Image.new("RGB", (32, 32), (255, 0, 0))
    data = encoded(red, form, icc_profile=swapped_profile())
    copies = await derived(PillowImaging(), data)
    red_band, green_band, _ = pixel(opened(copies.image.data), 16, 16)
    assert green_band > 240
    assert red_band < 30
    assert "icc_profile" not in opened(copies.image.data).info


async def test_a_profile_that_cannot_be_applied_changes_nothing() -> None:
    red = Image.new("RGB", (32, 32), (255, 0, 0))
    for profile in (b"no profile", swapped_profile()[:200], swapped_profile() + bytes(5 * 2**20)):
        data = encoded(red, "JPEG", icc_profile=profile)
        copies = await derived(PillowImaging(), data)
        assert pixel(opened(copies.image.data), 16, 16)[0] > 240


async def test_other_pictures_and_sizes_do_not_look_alike() -> None:
    alike = PillowImaging().look_alike
    one = encoded(gradient(640, 480))
    assert await alike(one, encoded(gradient(640, 480), "JPEG", quality=30))
    assert not await alike(one, encoded(gradient(640, 480).rotate(180)))
    assert not await alike(one, encoded(gradient(480, 640)))
    assert not await alike(one, encoded(gradient(640, 480).point(lambda step: step // 2)))


async def test_the_event_loop_goes_on_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def decode(data: bytes) -> tuple[str, Image.Image]:
        begun.set()
        assert go_on.wait(PATIENCE_S), "the event loop stood still"
        return "PNG", gradient()

    monkeypatch.setattr(imaging, "decode", decode)
    task = asyncio.create_task(derived(PillowImaging(), b""))
    await eventually(begun.is_set)
    go_on.set()
    await task


async def test_no_more_are_decoded_at_a_time_than_were_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at_work, most = set[int](), 0
    both = threading.Barrier(2)

    def decode(data: bytes) -> tuple[str, Image.Image]:
        nonlocal most
        at_work.add(threading.get_ident())
        both.wait(PATIENCE_S)
        most = max(most, len(at_work))
        time.sleep(0.002)  # a third would come now
        at_work.discard(threading.get_ident())
        return "PNG", gradient()

    monkeypatch.setattr(imaging, "decode", decode)
    one_by_one = PillowImaging(at_once=2)
    await asyncio.gather(
        *(derived(one_by_one, b"") for _ in range(6)), *(one_by_one.look(b"") for _ in range(6))
    )
    assert most == 2
