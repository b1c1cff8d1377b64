"""Files lose everything but their picture, and of that nothing."""

import io
import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms, PngImagePlugin

from services.generator.adapters.comfyui.stripping import stripped
from services.generator.domain.failures import ProviderFailure

CANARY = "canary-prompt https://bucket/loras/a?signature=canary"


def shades(mode: str = "RGB") -> Image.Image:
    grey = Image.linear_gradient("L").resize((96, 64))
    picture = Image.merge(
        "RGB", (grey, grey.rotate(90), grey.transpose(Image.Transpose.ROTATE_180))
    )
    return picture.convert(mode)


def saved(image: Image.Image, form: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def exif() -> Image.Exif:
    tags = Image.Exif()
    tags[0x010E] = CANARY  # a description
    tags[0x010F] = f"workflow:{CANARY}"  # where ComfyUI's own WebP and JPEG writers put it
    return tags


def profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes() + CANARY.encode()


def text() -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    info.add_text("prompt", CANARY)
    info.add_text("workflow", CANARY, zip=True)
    info.add_itxt("more", CANARY)
    info.add(b"prIv", CANARY.encode())
    info.add(b"prIv", CANARY.encode(), after_idat=True)
    return info


FILES: dict[str, Callable[[], bytes]] = {
    "PNG": lambda: saved(
        shades(), "PNG", pnginfo=text(), exif=exif(), icc_profile=profile(), dpi=(72, 72)
    ),
    "PNG in a palette": lambda: saved(shades("P"), "PNG", pnginfo=text(), transparency=3),
    "PNG with alpha": lambda: saved(shades("RGBA"), "PNG", pnginfo=text()),
    "PNG in grey": lambda: saved(shades("L"), "PNG", pnginfo=text()),
    "JPEG": lambda: saved(
        shades(),
        "JPEG",
        exif=exif(),
        comment=CANARY,
        icc_profile=profile(),
        xmp=CANARY.encode(),
        dpi=(72, 72),
    ),
    "JPEG in scans": lambda: saved(shades(), "JPEG", progressive=True, exif=exif()),
    "JPEG with restarts": lambda: saved(shades(), "JPEG", restart_marker_blocks=4, comment=CANARY),
    "JPEG in CMYK": lambda: saved(shades("CMYK"), "JPEG", comment=CANARY),
    "JPEG in grey": lambda: saved(shades("L"), "JPEG", comment=CANARY, quality=100),
    "WebP": lambda: saved(
        shades(), "WEBP", exif=exif(), icc_profile=profile(), xmp=CANARY.encode()
    ),
    "WebP without loss": lambda: saved(shades(), "WEBP", lossless=True, exif=exif()),
    "WebP with alpha": lambda: saved(faded(), "WEBP", exif=exif(), quality=60),
    "WebP, plain": lambda: saved(shades(), "WEBP"),
}


def faded() -> Image.Image:
    image = shades("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image


def opened(data: bytes) -> tuple[str | None, str, tuple[int, int], bytes]:
    with Image.open(io.BytesIO(data)) as image:
        pixels = image.convert("RGBA") if image.mode == "P" else image
        return image.format, image.mode, image.size, pixels.tobytes()


@pytest.mark.parametrize("file", FILES.values(), ids=FILES.keys())
def test_the_picture_stays_as_it_is_and_nothing_else_stays(file: Callable[[], bytes]) -> None:
    original = file() + f"after the end: {CANARY}".encode()
    bare = stripped(original)
    assert opened(bare) == opened(original)
    assert b"canary" not in bare
    with Image.open(io.BytesIO(bare)) as image:
        kept = {"jfif", "jfif_version", "jfif_unit", "jfif_density", "dpi", "adobe"}
        kept |= {"adobe_transform", "progressive", "progression", "transparency"}
        kept |= {"background", "loop"}  # what Pillow says of every WebP
        assert set(image.info) <= kept
        assert not image.getexif()


@pytest.mark.parametrize("file", FILES.values(), ids=FILES.keys())
def test_stripping_twice_changes_nothing(file: Callable[[], bytes]) -> None:
    once = stripped(file())
    assert stripped(once) == once


def test_the_coded_picture_of_a_png_is_the_very_same_bytes() -> None:
    original = FILES["PNG"]()
    start = original.index(b"IDAT") - 4
    end = start + 12 + int.from_bytes(original[start : start + 4], "big")
    assert original[start:end] in stripped(original)


@pytest.mark.parametrize("file", FILES.values(), ids=FILES.keys())
def test_what_is_cut_is_a_bad_response_or_no_longer_opens(file: Callable[[], bytes]) -> None:
    whole = stripped(file())
    for size in {len(whole) // 2, len(whole) - 1, 13, 3, 0}:
        with pytest.raises(ProviderFailure) as failed:
            stripped(whole[:size])
        assert failed.value.code == "BAD_RESPONSE"


def test_a_colour_chunk_of_another_size_is_a_hiding_place_and_goes() -> None:
    hidden = struct.pack("!I", 6) + b"gAMAcanary" + struct.pack("!I", zlib.crc32(b"gAMAcanary"))
    plain = saved(shades(), "PNG")
    assert stripped(plain[:33] + hidden + plain[33:]) == plain


def test_a_jfif_thumbnail_goes() -> None:
    plain = saved(shades(), "JPEG")
    head = b"\xff\xe0" + struct.pack("!H", 16 + 3) + b"JFIF\0\1\1\0\0\1\0\1\1\1" + b"abc"
    assert b"abc" not in stripped(b"\xff\xd8" + head + plain[20:])
    assert opened(stripped(b"\xff\xd8" + head + plain[20:])) == opened(plain)


@pytest.mark.parametrize("form", ["WEBP", "GIF", "BMP", "TIFF"])
def test_an_animation_and_other_formats_are_refused(form: str) -> None:
    options = {"save_all": True, "append_images": [shades("L").convert("RGB")]}
    data = saved(shades(), form, **(options if form == "WEBP" else {}))
    with pytest.raises(ProviderFailure) as failed:
        stripped(data)
    assert failed.value.code == "BAD_RESPONSE"


@given(st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"RIFF\x40\0\0\0WEBP"]), st.binary())
def test_no_bytes_make_it_fail_otherwise(start: bytes, rest: bytes) -> None:
    with suppress(ProviderFailure):
        assert len(stripped(start + rest)) <= len(start + rest) + 9
