"""Gradients and enlargements, cheap because they start small."""

from PIL import Image, ImageFilter

from services.generator.preview.drawing.colour import Colour

Corners = tuple[Colour, Colour, Colour, Colour]
"""Top left, top right, bottom left, bottom right."""

_SPOT_PX = 256
# Pillow's radial gradient is 0 in the middle and reaches 255 only in the corners, 180 at the rim.
_SPOT = Image.radial_gradient("L").point(
    [round(255 * (1 - min(v / 179, 1.0) ** 2) ** 2) for v in range(256)]
)


def four_corners(corners: Corners, size: tuple[int, int]) -> Image.Image:
    """An RGB gradient of the given size in pixels between four corners."""
    seed = Image.new("RGB", (2, 2))
    for index, colour in enumerate(corners):
        seed.putpixel((index % 2, index // 2), colour)
    # Sampling between the pixel centres avoids flat quarters at the edges.
    return seed.resize(size, Image.Resampling.BILINEAR, box=(0.5, 0.5, 1.5, 1.5))


def spot(
    box: tuple[int, int, int, int], seen: tuple[int, int, int, int], strength: float
) -> Image.Image:
    """The visible part `seen` of a soft round mask that fills `box`, `strength` at its centre."""
    across, down = _SPOT_PX / (box[2] - box[0]), _SPOT_PX / (box[3] - box[1])
    part = (
        (seen[0] - box[0]) * across,
        (seen[1] - box[1]) * down,
        (seen[2] - box[0]) * across,
        (seen[3] - box[1]) * down,
    )
    mask = _SPOT.point([round(strength * v) for v in range(256)])
    size = (seen[2] - seen[0], seen[3] - seen[1])
    return mask.resize(size, Image.Resampling.BILINEAR, box=part)


def enlarged(coarse: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Smooth to half the size and plainly doubled from there: a third of the time of one step."""
    half = (max(1, size[0] // 2), max(1, size[1] // 2))
    smooth = coarse.filter(ImageFilter.BoxBlur(1)).resize(half, Image.Resampling.BILINEAR)
    return smooth.resize(size, Image.Resampling.NEAREST)
