"""Neck, torso, arms and legs, dressed."""

from services.generator.preview.brush import Brush
from services.generator.preview.colour import WHITE, Colour, darker, lighter, luminance, mix
from services.generator.preview.curves import Point, flipped, mirrored, open_curve, outline
from services.generator.preview.face import skin_shade
from services.generator.preview.features import Features
from services.generator.preview.garments import paint_behind_neck, paint_garment
from services.generator.preview.pose import Arm, Framing, Garment, Pose

_ARMS: dict[Arm, tuple[Point, ...]] = {
    Arm.RELAXED: ((1.50, 2.26), (1.70, 2.85), (1.88, 3.8), (1.98, 4.6), (2.02, 5.3), (2.02, 6.4), (1.96, 7.45)),
    Arm.POCKET: ((1.50, 2.26), (1.72, 2.85), (1.98, 3.8), (2.16, 4.6), (2.24, 5.3), (2.06, 6.3), (1.62, 7.2)),
    Arm.HIP: ((1.50, 2.26), (1.74, 2.85), (2.16, 3.8), (2.50, 4.5), (2.66, 5.05), (2.24, 5.75), (1.62, 6.25)),
}
_LEG: tuple[Point, ...] = (
    (-0.05, 8.2),
    (0.06, 9.4),
    (0.26, 12.6),
    (0.42, 16.35),
    (0.42, 16.45),
    (1.16, 16.45),
    (1.18, 16.35),
    (1.30, 12.6),
    (1.66, 9.2),
    (1.66, 7.3),
    (1.4, 6.6),
    (-0.05, 6.6),
)


def paint_body(brush: Brush, face: Features, pose: Pose) -> None:
    """Everything below the head, in the body's frame; what the framing hides is left out."""
    if pose.framing is Framing.FULL:
        _ground_shadow(brush)
        for side in (-1, 1):
            _leg(brush, pose, side)
    paint_behind_neck(brush, pose)
    _bust(brush, face, pose)
    paint_garment(brush, pose, face.shoulders)
    for side, arm in zip((-1, 1), pose.arms, strict=True):
        _arm(brush, face, pose, side, arm)


def _bust(brush: Brush, face: Features, pose: Pose) -> None:
    shade = skin_shade(face.skin)
    side = pose.light.side
    bust = mirrored([(0.0, 0.7), (0.47, 0.75), (0.46, 1.45), (0.62, 1.85), (0.95, 2.2), (0.9, 3.0), (0.0, 3.2)])
    with brush.clip(bust, softly=True) as skin:
        skin.wash((mix(face.skin, shade, 0.25),) * 2 + (face.skin,) * 2)
        skin.glow((0.0, 1.18), (0.95, 0.62), darker(shade, 0.12), 0.95)
        skin.glow((-0.5 * side, 1.5), (0.42, 0.8), shade, 0.8)
        skin.glow((0.0, 2.12), (0.30, 0.16), shade, 0.35)


def _arm(brush: Brush, face: Features, pose: Pose, side: int, arm: Arm) -> None:
    line = [(x * face.shoulders, y) for x, y in flipped(_ARMS[arm], side)]
    sleeve = 4 if pose.garment is Garment.TEE else len(line)
    lit = side == pose.light.side
    if arm is not Arm.POCKET:
        _hand(brush, face, line[-1], side, arm)
    if sleeve < len(line):
        tone = lighter(face.skin, 0.04) if lit else mix(face.skin, skin_shade(face.skin), 0.6)
        _limb(brush, line, 0.60, tone, skin_shade(face.skin), side, None)
    cloth = lighter(pose.cloth, 0.09) if lit else darker(pose.cloth, 0.16)
    _limb(brush, line[:sleeve], 0.88 if sleeve < len(line) else 0.80, cloth, darker(pose.cloth, 0.45), side, pose.light.rim if lit else None)


def _limb(brush: Brush, line: list[Point], width: float, tone: Colour, shade: Colour, side: int, rim: Colour | None) -> None:
    ends = (0.15, 0.88) if len(line) < 5 else (0.30, 0.72)
    with brush.clip(outline(open_curve(line), width, ends)[::3], softly=True) as limb:
        limb.wash((tone, tone, darker(tone, 0.15), darker(tone, 0.15)))
        inner = [(x - 0.34 * side, y + 0.25) for x, y in line]
        limb.stroke(inner, 0.42, shade, 0.20, ends=(0.1, 1.0))
        limb.stroke(inner, 0.22, shade, 0.20, ends=(0.1, 1.0))
        if rim:
            limb.glow((1.85 * side, 2.40), (0.7, 0.4), rim, 0.26)
            limb.stroke([(x + 0.42 * side, y) for x, y in line], 0.14, rim, 0.18, ends=(0.1, 0.3))


def _hand(brush: Brush, face: Features, wrist: Point, side: int, arm: Arm) -> None:
    x, y = wrist
    tone = mix(face.skin, skin_shade(face.skin), 0.25)
    if arm is Arm.HIP:
        brush.shape([(x + 0.3 * side, y - 0.25), (x - 0.35 * side, y - 0.1), (x - 0.55 * side, y + 0.35), (x + 0.1 * side, y + 0.35)], tone)
        return
    palm = [(-0.24, -0.2), (0.24, -0.2), (0.30, 0.35), (0.20, 0.85), (-0.02, 1.02), (-0.20, 0.85), (-0.27, 0.35)]
    brush.shape([(x + a * side, y + b) for a, b in palm], tone)
    thumb = [(x - 0.20 * side, y + 0.1), (x - 0.34 * side, y + 0.4), (x - 0.26 * side, y + 0.66)]
    brush.stroke(thumb, 0.17, mix(tone, skin_shade(face.skin), 0.25), ends=(0.9, 0.6))


def _ground_shadow(brush: Brush) -> None:
    brush.glow((0.0, 17.0), (3.4, 0.55), (16, 12, 20), 0.55)
    brush.glow((0.0, 17.0), (1.9, 0.30), (10, 8, 14), 0.7)


def _leg(brush: Brush, pose: Pose, side: int) -> None:
    tone = pose.trousers if side == pose.light.side else darker(pose.trousers, 0.16)
    _shoe(brush, pose, side)
    with brush.clip(flipped(_LEG, side), softly=True) as leg:
        leg.wash((darker(tone, 0.15),) * 2 + (tone,) * 2)
        leg.stroke(flipped([(0.0, 8.0), (0.22, 12.6), (0.46, 16.4)], side), 0.55, darker(tone, 0.5), 0.45)
        leg.stroke(flipped([(0.92, 8.4), (0.82, 12.6), (0.80, 16.4)], side), 0.34, lighter(tone, 0.3), 0.14, ends=(0.2, 0.5))
        leg.glow((0.7 * side, 12.7), (0.5, 0.5), darker(tone, 0.4), 0.4)
        leg.glow((0.0, 7.4), (1.8, 0.9), darker(tone, 0.6), 0.7)


def _shoe(brush: Brush, pose: Pose, side: int) -> None:
    pale = luminance(pose.trousers) < 0.45
    upper: Colour = (238, 234, 228) if pale else (72, 54, 46)
    shoe = [(0.42, 16.2), (1.12, 16.2), (1.24, 16.7), (1.20, 17.02), (0.44, 17.02), (0.36, 16.7)]
    brush.shape(flipped(shoe, side), upper)
    sole = [(0.34, 16.88), (1.26, 16.88), (1.25, 17.06), (0.36, 17.06)]
    brush.polygon(flipped(sole, side), WHITE if pale else darker(upper, 0.4))
    brush.stroke(flipped([(0.58, 16.55), (0.98, 16.55)], side), 0.05, darker(upper, 0.3))
