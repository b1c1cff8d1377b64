"""Images that take room: noise cannot be compressed."""

import functools
import io
import os

from PIL import Image


@functools.cache
def noise(width: int, height: int) -> bytes:
    """A PNG of about three bytes a pixel."""
    out = io.BytesIO()
    Image.frombytes("RGB", (width, height), os.urandom(3 * width * height)).save(
        out, "PNG", compress_level=1
    )
    return out.getvalue()
