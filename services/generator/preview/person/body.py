"""Neck, torso, arms and legs, dressed."""

from services.generator.preview.drawing.brush import Brush
from services.generator.preview.drawing.colour import (
    WHITE,
    Colour,
    darker,
    lighter,
    luminance,
    mix,
    skin_shade,
)
from services.generator.preview.drawing.curves import Point, mirrored, open_curve, outline, path
from services.generator.preview.person.features import Features
from services.generator.preview.person.garments import paint_behind_neck, paint_garment
from services.generator.preview.pose import Arm, Framing, Garment, Pose

_BUST = mirrored(path("0,0.7 0.47,0.75 0.46,1.45 0.62,1.85 0.95,2.2 0.9,3.0 0,3.2"))
_ARMS: dict[Arm, list[Point]] = {
    Arm.RELAXED: path("1.5,2.26 1.7,2.85 1.88,3.8 1.98,4.6 2.02,5.3 2.02,6.4 1.96,7.45"),
    Arm.POCKET: path("1.5,2.26 1.72,2.85 1.98,3.8 2.16,4.6 2.24,5.3 2.06,6.3 1.62,7.2"),
    Arm.HIP: path("1.5,2.26 1.74,2.85 2.16,3.8 2.5,4.5 2.66,5.05 2.24,5.75 1.62,6.25"),
}
_SHORT_SLEEVE = 4  # points of the arm that it covers
_PALM = path("-0.24,-0.2 0.24,-0.2 0.3,0.35 0.2,0.85 -0.02,1.02 -0.2,0.85 -0.27,0.35")
_THUMB = path("-0.2,0.1 -0.34,0.4 -0.26,0.66")
_HAND_ON_HIP = path("0.3,-0.25 -0.35,-0.1 -0.55,0.35 0.1,0.35")
_LEG = path(
    "-0.05,8.2 0.06,9.4 0.26,12.6 0.42,16.35 0.42,16.45 1.16,16.45 1.18,16.35 1.3,12.6 "
    "1.62,9.2 1.56,8.2 1.44,7.4 1.2,6.6 -0.05,6.6"
)
_INSEAM = path("0,8 0.22,12.6 0.46,16.4")
_CREASE = path("0.92,8.4 0.82,12.6 0.8,16.4")
_SHOE = path("0.42,16.2 1.12,16.2 1.24,16.7 1.2,17.02 0.44,17.02 0.36,16.7")
_SOLE = path("0.34,16.88 1.26,16.88 1.25,17.06 0.36,17.06")


def paint_body(brush: Brush, face: Features, pose: Pose) -> None:
    """Everything below the head, in the body's frame; what the framing hides is left out."""
    if pose.framing is Framing.FULL:
        brush.glow((0.0, 17.0), (3.4, 0.55), (16, 12, 20), 0.55)
        brush.glow((0.0, 17.0), (1.9, 0.30), (10, 8, 14), 0.7)
        for side in (-1, 1):
            _leg(brush.at((0.0, 0.0), flip=side), pose)
    paint_behind_neck(brush, pose)
    _bust(brush, face, pose.light.side)
    paint_garment(brush, pose, face.shoulders)
    for side, arm in zip((-1, 1), pose.arms, strict=True):
        _arm(brush.at((0.0, 0.0), flip=side), face, pose, arm)


def _bust(brush: Brush, face: Features, lit_side: int) -> None:
    shade = skin_shade(face.skin)
    with brush.clip(_BUST, softly=True) as skin:
        skin.wash((mix(face.skin, shade, 0.25),) * 2 + (face.skin,) * 2)
        skin.glow((0.0, 1.18), (0.95, 0.62), darker(shade, 0.12), 0.95)
        skin.glow((-0.5 * lit_side, 1.5), (0.42, 0.8), shade, 0.8)
        skin.glow((0.0, 2.12), (0.30, 0.16), shade, 0.35)


def _arm(brush: Brush, face: Features, pose: Pose, arm: Arm) -> None:
    """One arm; x grows outwards."""
    line = [(x * face.shoulders, y) for x, y in _ARMS[arm]]
    shade, lit = skin_shade(face.skin), brush.frame.flip == pose.light.side
    if arm is not Arm.POCKET:
        _hand(brush.at(line[-1]), mix(face.skin, shade, 0.25), shade, arm)
    sleeve, width = line, 0.80
    if pose.garment is Garment.TEE:
        sleeve, width = line[:_SHORT_SLEEVE], 0.88
        bare = lighter(face.skin, 0.04) if lit else mix(face.skin, shade, 0.6)
        _limb(brush, line, 0.60, bare, shade)
    cloth = lighter(pose.cloth, 0.09) if lit else darker(pose.cloth, 0.16)
    rim = pose.light.rim if lit else None
    _limb(brush, sleeve, width, cloth, darker(pose.cloth, 0.45), rim)


def _limb(
    brush: Brush,
    line: list[Point],
    width: float,
    tone: Colour,
    shade: Colour,
    rim: Colour | None = None,
) -> None:
    ends = (0.15, 0.88) if len(line) == _SHORT_SLEEVE else (0.30, 0.72)
    with brush.clip(outline(open_curve(line), width, ends)[::3], softly=True) as limb:
        limb.wash((tone, tone, darker(tone, 0.15), darker(tone, 0.15)))
        inner = [(x - 0.34, y + 0.25) for x, y in line]
        limb.stroke(inner, 0.42, shade, 0.20, ends=(0.1, 1.0))
        limb.stroke(inner, 0.22, shade, 0.20, ends=(0.1, 1.0))
        if rim:
            limb.glow((1.85, 2.40), (0.7, 0.4), rim, 0.26)
            limb.stroke([(x + 0.42, y) for x, y in line], 0.14, rim, 0.18, ends=(0.1, 0.3))


def _hand(brush: Brush, tone: Colour, shade: Colour, arm: Arm) -> None:
    if arm is Arm.HIP:
        brush.shape(_HAND_ON_HIP, tone)
        return
    brush.shape(_PALM, tone)
    brush.stroke(_THUMB, 0.17, mix(tone, shade, 0.25), ends=(0.9, 0.6))


def _leg(brush: Brush, pose: Pose) -> None:
    tone = pose.trousers if brush.frame.flip == pose.light.side else darker(pose.trousers, 0.16)
    _shoe(brush, pale=luminance(pose.trousers) < 0.45)
    with brush.clip(_LEG, softly=True) as leg:
        leg.wash((darker(tone, 0.15),) * 2 + (tone,) * 2)
        leg.stroke(_INSEAM, 0.55, darker(tone, 0.5), 0.45)
        leg.stroke(_CREASE, 0.34, lighter(tone, 0.3), 0.14, ends=(0.2, 0.5))
        leg.glow((0.7, 12.7), (0.5, 0.5), darker(tone, 0.4), 0.4)
        leg.glow((0.0, 7.4), (1.8, 0.9), darker(tone, 0.6), 0.7)


def _shoe(brush: Brush, *, pale: bool) -> None:
    upper: Colour = (238, 234, 228) if pale else (72, 54, 46)
    brush.shape(_SHOE, upper)
    brush.polygon(_SOLE, WHITE if pale else darker(upper, 0.4))
    brush.stroke([(0.58, 16.55), (0.98, 16.55)], 0.05, darker(upper, 0.3))
