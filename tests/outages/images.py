"""Images that take room: most of them cannot be compressed."""

import functools
import io
import os

from PIL import Image


@functools.cache
def bulky(width: int, height: int) -> bytes:
    """A PNG of more than two bytes a pixel: noise, but for a quarter that makes a picture of it."""
    image = Image.frombytes("RGB", (width, height), os.urandom(3 * width * height))
    plain = Image.linear_gradient("L").resize((width // 2, height // 2))
    image.paste(plain.convert("RGB"), (0, 0))
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1)
    return out.getvalue()
