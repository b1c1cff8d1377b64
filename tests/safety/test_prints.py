"""Perceptual hashes: like images differ in few bits, others in about half of them."""

import io
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageFilter

from services.safety.adapters.pillow_prints import PillowPrints, image_print
from shared.outcomes import GiveUp
from tests.safety.panels import drawn_png

Change = Callable[[Image.Image], Image.Image]


def encoded(image: Image.Image, kind: str = "PNG", **how: int) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()


def picture(seed: int = 1) -> Image.Image:
    return Image.open(io.BytesIO(drawn_png(seed))).convert("RGB")


def noise(seed: int) -> Image.Image:
    rough = np.random.default_rng(seed).integers(0, 255, (12, 12, 3), dtype=np.uint8)
    return Image.fromarray(rough).resize((512, 512), Image.Resampling.BICUBIC)


def distance(one: bytes, other: bytes) -> int:
    first, second = image_print(one), image_print(other)
    assert first is not None
    assert second is not None
    return apart(first, second)


def apart(first: str, second: str) -> int:
    return (int(first, 16) ^ int(second, 16)).bit_count()


CHANGES: dict[str, Change] = {
    "smaller": lambda image: image.resize((256, 256)),
    "larger": lambda image: image.resize((1024, 1024)),
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(2)),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.15),
    "grey": lambda image: image.convert("L"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_looks_the_same(change: str) -> None:
    for image in (picture(), noise(3)):
        assert distance(encoded(image), encoded(CHANGES[change](image))) <= 6


@pytest.mark.parametrize("quality", [50, 75, 95])
def test_another_encoding_looks_the_same(quality: int) -> None:
    for image in (picture(), noise(3)):
        for kind in ("JPEG", "WEBP"):
            assert distance(encoded(image), encoded(image, kind, quality=quality)) <= 6


def test_other_images_look_different() -> None:
    prints = [image_print(encoded(noise(seed))) or "" for seed in range(12)]
    assert min(apart(*pair) for pair in combinations(prints, 2)) >= 14


@pytest.mark.parametrize(
    "image",
    [
        Image.new("RGB", (256, 256), "teal"),
        Image.linear_gradient("L"),
        Image.linear_gradient("L").rotate(90),
    ],
)
def test_what_has_too_little_to_see_has_no_print(image: Image.Image) -> None:
    assert image_print(encoded(image)) is None
    assert image_print(encoded(image.convert("RGB"), "JPEG", quality=70)) is None


@given(st.binary(max_size=300), st.integers(0, 10_000))
def test_hostile_bytes_are_no_image_and_break_nothing(rubbish: bytes, cut: int) -> None:
    whole = drawn_png()
    for data in (rubbish, whole[: cut % len(whole)], whole[:100] + rubbish):
        with pytest.raises(GiveUp) as gave_up:
            image_print(data)
        assert gave_up.value.reason == "invalid_image"


def test_an_image_of_several_frames_is_refused_since_only_one_would_be_judged() -> None:
    out = io.BytesIO()
    frames = [noise(seed) for seed in range(3)]
    for kind in ("PNG", "WEBP"):
        frames[0].save(out, kind, save_all=True, append_images=frames[1:])
        with pytest.raises(GiveUp):
            image_print(out.getvalue())
        out = io.BytesIO()


def test_too_many_pixels_are_refused_before_they_are_decoded() -> None:
    with pytest.raises(GiveUp):
        image_print(encoded(Image.new("1", (5000, 5000))))


async def test_it_is_made_in_a_thread() -> None:
    assert await PillowPrints().of(drawn_png()) == image_print(drawn_png())


def test_a_few_bytes_that_claim_a_huge_image_cost_nothing() -> None:
    honest = encoded(Image.new("RGB", (8, 8)))
    size = struct.pack(">II", 3_000, 3_000)
    header = b"IHDR" + size + honest[24:29]
    claim = honest[:12] + header + struct.pack(">I", zlib.crc32(header)) + honest[33:]
    with Image.open(io.BytesIO(claim)) as opened:
        assert opened.size == (3_000, 3_000)
    tracemalloc.start()
    try:
        with pytest.raises(GiveUp):
            image_print(claim)
        assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_what_shows_through_is_refused_and_an_opaque_alpha_is_not(kind: str) -> None:
    opaque = picture().convert("RGBA")
    assert image_print(encoded(opaque, kind, lossless=True)) is not None
    opaque.putalpha(Image.linear_gradient("L").resize(opaque.size))
    with pytest.raises(GiveUp, match="transparent"):
        image_print(encoded(opaque, kind, lossless=True))


def test_pixels_that_viewers_would_scale_in_their_own_ways_are_refused() -> None:
    deep = Image.fromarray(np.full((64, 64), 40_000, dtype=np.uint16))
    with pytest.raises(GiveUp, match="pixels"):
        image_print(encoded(deep))
