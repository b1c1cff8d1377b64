"""The pictures that the stub worker gives."""

from io import BytesIO
from random import Random

from PIL import Image

SMALL_PX = 64
REAL_PX = 1024
_GRAIN = 2**14


def png(side_px: int) -> bytes:
    """One square RGB picture, the same every time.

    Grain over a gradient: at 1024 pixels about as large as a generated photograph, 1.5 MB.
    """
    noise = Random(side_px).randbytes(_GRAIN)  # noqa: S311 - grain is no secret
    grain = Image.frombytes("L", (128, 128), noise)
    tiled = Image.new("L", (side_px, side_px))
    for x in range(0, side_px, 128):
        for y in range(0, side_px, 128):
            tiled.paste(grain.rotate(90 * ((x + y) // 128 % 4)), (x, y))
    light = Image.linear_gradient("L").resize((side_px, side_px))
    bands = [Image.blend(light.rotate(90 * turn), tiled, 0.06) for turn in range(3)]
    file = BytesIO()
    Image.merge("RGB", bands).save(file, "PNG", compress_level=1)
    return file.getvalue()
