"""The ribbon across the corner that says what the picture is."""

from math import sqrt

from PIL import Image, ImageDraw, ImageFont

from services.generator.preview.drawing.colour import WHITE, Colour

_BAND: Colour = (20, 22, 30)
_REACH = 0.36  # along both edges from the corner, as a share of the short side
_INNER = 0.58  # where the band begins, as a share of its reach
_HEM = 0.07  # from the band's edge to the line along it, as a share of its width
_FINER = 2


def tie_ribbon(picture: Image.Image, label: str) -> None:
    """Lay an opaque dark ribbon with the label in white across the top left corner, in place.

    Opaque and edged in white, it reads the same on any background.
    """
    reach = max(round(min(picture.size) * _REACH), 44)
    corner = picture.crop((0, 0, reach, reach))
    large = corner.resize((reach * _FINER, reach * _FINER), Image.Resampling.NEAREST)
    _band(large, reach * _FINER)
    _letters(large, label, reach * _FINER)
    picture.paste(large.reduce(_FINER))


def _band(image: Image.Image, reach: int) -> None:
    draw = ImageDraw.Draw(image)
    for inset, colour in ((0.0, _BAND), (_HEM, WHITE), (_HEM * 1.5, _BAND)):
        near, far = (reach * (_INNER + (1 - _INNER) * share) for share in (inset, 1 - inset))
        draw.polygon([(near, 0), (far, 0), (0, far), (0, near)], fill=colour)


def _letters(image: Image.Image, label: str, reach: int) -> None:
    middle = reach * (1 + _INNER) / 4
    thick = reach * (1 - _INNER) * sqrt(0.5)
    font = _font(label, room=middle * 2.0, high=thick * 0.60)
    box = font.getbbox(label, anchor="mm")
    half = round(max(abs(edge) for edge in box)) + 2
    mask = Image.new("L", (half * 2, half * 2))
    ImageDraw.Draw(mask).text(
        (half, half), label, font=font, fill=255, anchor="mm", stroke_width=thick / 90
    )
    turned = mask.rotate(45, Image.Resampling.BILINEAR)
    image.paste(WHITE, (round(middle) - half, round(middle) - half), turned)


def _font(label: str, room: float, high: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The built-in font at the height that lets the label fit into the room."""
    font = ImageFont.load_default(size=high)
    left, _, right, _ = font.getbbox(label)
    if right - left <= room:
        return font
    return ImageFont.load_default(size=max(1.0, high * room / (right - left)))
