"""Harmless pictures with enough detail to be told apart, and copies that look the same."""

import io
from random import Random

from PIL import Image, ImageDraw


def patches(seed: int, width: int, height: int) -> bytes:
    """A PNG of coloured patches; another seed gives another picture."""
    random = Random(seed)
    picture = Image.new("RGB", (width, height), "grey")
    draw = ImageDraw.Draw(picture)
    for _ in range(24):
        left, top = random.randrange(width), random.randrange(height)
        size = random.randrange(width // 12, width // 3)
        colour = tuple(random.randrange(256) for _ in range(3))
        draw.rectangle((left, top, left + size, top + size), fill=colour)
    return _png(picture)


def copied(image: bytes) -> bytes:
    """The same picture after a lossy journey: other bytes, the same to the eye."""
    out = io.BytesIO()
    with Image.open(io.BytesIO(image)) as picture:
        picture.convert("RGB").save(out, "JPEG", quality=70)
    with Image.open(out) as lossy:
        return _png(lossy)


def _png(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=1)
    return out.getvalue()
