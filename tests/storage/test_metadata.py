"""A delivered file says that a model has made it, and nothing of what it was made from."""

import io
import zlib
from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from services.storage.adapters.pillow_imaging import PillowImaging
from services.storage.domain import DeliveryFormat
from services.storage.ports import Encoded
from tests.storage.pictures import CANARY, chatty_jpeg, chatty_png, chatty_webp
from tests.storage.signed_files import derived

CHATTY = (chatty_png, chatty_jpeg, chatty_webp)
TRAINED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
SOURCE_TYPE = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"


def everything_in(data: bytes) -> bytes:
    """The bytes, and what is compressed in them."""
    inflated = [data]
    for at in range(len(data) - 1):
        if data[at] == 0x78:  # how zlib begins
            try:
                inflated.append(zlib.decompressobj().decompress(data[at:], 2**16))
            except zlib.error:
                continue
    wide = b"".join(CANARY[at : at + 1] + b"\0" for at in range(len(CANARY)))
    return b"\n".join(part.replace(wide, CANARY) for part in inflated)


async def copies_of(data: bytes, wanted: DeliveryFormat) -> tuple[Encoded, Encoded]:
    copies = await derived(PillowImaging(wanted), data)
    return copies.image, copies.thumbnail


@pytest.mark.parametrize("chatty", CHATTY)
def test_the_images_of_these_tests_do_tell(chatty: Callable[[], bytes]) -> None:
    assert CANARY in everything_in(chatty())


@pytest.mark.parametrize("wanted", DeliveryFormat)
@pytest.mark.parametrize("chatty", CHATTY)
async def test_nothing_that_came_with_an_image_leaves_with_it(
    chatty: Callable[[], bytes], wanted: DeliveryFormat
) -> None:
    for copy in await copies_of(chatty(), wanted):
        assert CANARY not in everything_in(copy.data)
        with Image.open(io.BytesIO(copy.data)) as image:
            image.load()
            known = {"jfif", "jfif_version", "jfif_unit", "jfif_density", "dpi", "xmp"}
            known |= {"XML:com.adobe.xmp", "loop", "background", "timestamp", "duration"}
            assert set(image.info) <= known
            assert not dict(image.getexif())


@pytest.mark.parametrize("chatty", CHATTY)
async def test_the_thumbnail_of_what_is_held_tells_nothing_either(
    chatty: Callable[[], bytes],
) -> None:
    look = await PillowImaging().look(chatty())
    assert CANARY not in everything_in(look.thumbnail_jpeg)


@pytest.mark.parametrize("wanted", DeliveryFormat)
@pytest.mark.parametrize("chatty", CHATTY)
async def test_every_copy_names_its_source_type_as_iptc_spells_it(
    chatty: Callable[[], bytes], wanted: DeliveryFormat
) -> None:
    for copy in await copies_of(chatty(), wanted):
        with Image.open(io.BytesIO(copy.data)) as image:
            image.load()
            packet = image.info.get("xmp") or image.info["XML:com.adobe.xmp"]
        text = packet if isinstance(packet, str) else packet.decode()
        (told,) = ET.fromstring(text).iter(SOURCE_TYPE)
        assert told.text == TRAINED
