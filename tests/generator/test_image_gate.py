"""What counts as an image that somebody ordered."""

import io
import random

import pytest
from PIL import Image, ImageFilter

from services.generator.adapters import image_gate
from services.generator.adapters.image_gate import PillowGate, check_image
from services.generator.domain.failures import ProviderFailure
from services.generator.preview.painter import paint
from tests.builders import brief
from tests.generator.fakes import made_image
from tests.generator.worker_stub import png

SIDE = 512


def encoded(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def noise(seed: int = 1) -> Image.Image:
    return Image.frombytes("RGB", (SIDE, SIDE), random.Random(seed).randbytes(SIDE * SIDE * 3))


def two_frames() -> bytes:
    pages = [Image.open(io.BytesIO(png(SIDE, SIDE))).convert("RGB"), noise()]
    return encoded(pages[0], "WEBP", save_all=True, append_images=pages[1:])


def see_through() -> bytes:
    image = Image.open(io.BytesIO(png(SIDE, SIDE))).convert("RGBA")
    image.putalpha(200)
    return encoded(image)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (png(768, SIDE), "768x512 instead of 512x512"),
        (encoded(Image.new("RGB", (SIDE, SIDE))), "all black"),
        (encoded(Image.new("RGB", (SIDE, SIDE), (2, 1, 2))), "all black"),
        (encoded(Image.new("RGB", (SIDE, SIDE), "teal")), "blank"),
        (encoded(Image.new("RGB", (SIDE, SIDE), "white")), "blank"),
        (encoded(noise()), "noise"),
        (encoded(noise().convert("L").convert("RGB")), "noise"),
        (encoded(noise(), "JPEG", quality=90), "noise"),
        (two_frames(), "more than one frame"),
        (see_through(), "partly transparent"),
        (png(SIDE, SIDE)[:-400], "undecodable"),
        (b"<html>busy</html>", "undecodable"),
        (b"", "undecodable"),
    ],
)
def test_what_nobody_could_use_is_garbage(data: bytes, what: str) -> None:
    with pytest.raises(ProviderFailure, match=what) as failed:
        check_image(data, SIDE, SIDE)
    assert failed.value.code == "BAD_RESPONSE"


def test_a_bomb_is_refused_by_what_it_claims_before_a_pixel_is_decoded() -> None:
    bomb = encoded(Image.new("1", (20_000, 20_000)))
    assert len(bomb) < 100_000
    with pytest.raises(ProviderFailure, match=r"20000x20000|DecompressionBomb"):
        check_image(bomb, 20_000, 20_000)


def test_a_file_may_not_be_endless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_gate, "MOST_BYTES", 1_000)
    with pytest.raises(ProviderFailure, match="more than 1000 bytes"):
        check_image(png(SIDE, SIDE), SIDE, SIDE)


@pytest.mark.parametrize(
    ("form", "media_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp")]
)
def test_the_true_format_is_told(form: str, media_type: str) -> None:
    image = Image.open(io.BytesIO(png(SIDE, SIDE)))
    assert check_image(encoded(image, form), SIDE, SIDE) == media_type


def test_a_grainy_picture_is_no_noise() -> None:
    picture = Image.open(io.BytesIO(png(SIDE, SIDE))).convert("RGB")
    grainy = Image.blend(picture, noise(), 0.3)
    assert check_image(encoded(grainy), SIDE, SIDE) == "image/png"


def test_a_picture_before_a_plain_wall_is_no_blank() -> None:
    picture = Image.new("RGB", (SIDE, SIDE), "white")
    picture.paste("black", (200, 200, 300, 400))
    assert check_image(encoded(picture.filter(ImageFilter.GaussianBlur(3))), SIDE, SIDE)


def test_noise_in_one_corner_is_a_picture_all_the_same() -> None:
    picture = Image.open(io.BytesIO(png(SIDE, SIDE))).convert("RGB")
    picture.paste(noise().crop((0, 0, 200, 200)), (0, 0))
    assert check_image(encoded(picture), SIDE, SIDE) == "image/png"


@pytest.mark.parametrize("scene", ["studio", "beach", "night"])
def test_drawn_portraits_pass(scene: str) -> None:
    drawn = paint(avatar_id="a", scene=scene, framing="half", seed=3, width=SIDE, height=SIDE)
    assert check_image(drawn, SIDE, SIDE) == "image/png"


async def test_the_gate_looks_for_the_size_that_was_ordered() -> None:
    order = brief(width=768, height=SIDE)
    assert await PillowGate().media_type_of(made_image(png(768, SIDE)), order) == "image/png"
    with pytest.raises(ProviderFailure):
        await PillowGate().media_type_of(made_image(png(SIDE, 768)), order)
