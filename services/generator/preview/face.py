"""The face: skin, ears, eyes, brows, nose, mouth, and what is worn on it."""

from services.generator.preview.brush import Brush, oval_points
from services.generator.preview.colour import Colour, darker, lighter, luminance, mix
from services.generator.preview.curves import Point, flipped, mirrored, open_curve
from services.generator.preview.dice import Dice
from services.generator.preview.features import Earrings, Features, Glasses
from services.generator.preview.pose import Pose

_GOLD: Colour = (226, 184, 104)
_TEETH: Colour = (250, 246, 240)


def skin_shade(skin: Colour) -> Colour:
    """The same skin out of the light: warmer and darker, never grey."""
    return darker(mix(skin, (168, 62, 52), 0.24), 0.10 + 0.10 * (1 - luminance(skin)))


def face_outline(face: Features) -> list[Point]:
    """The edge of the face; the hair hides its upper part."""
    return mirrored(
        [
            (0.0, -1.38),
            (0.60, -1.24),
            (0.93, -0.78),
            (0.985, -0.2),
            (0.955, 0.28),
            (face.jaw, 0.80),
            (face.chin + 0.14, face.face_length - 0.14),
            (face.chin * 0.55, face.face_length - 0.015),
            (0.0, face.face_length),
        ]
    )


def paint_face(brush: Brush, face: Features, pose: Pose) -> None:
    """Everything of the head but the hair, in the head's frame."""
    for side in (-1, 1):
        _ear(brush, face, side)
    _skin(brush, face, pose)
    front = brush.within(brush.frame.at((pose.look * 0.085, 0.0)))
    _freckles(front, face)
    for side in (-1, 1):
        # The eye on the side that the head turns to is seen at a sharper angle.
        width = 0.225 * (1 - 0.14 * max(0.0, pose.look * side))
        eye = front.within(front.frame.at((face.eye_gap * side, 0.0)))
        _eye(eye, face, side, width, pose.look)
        _brow(eye, face, side)
    _nose(brush.within(brush.frame.at((pose.look * 0.12, 0.0))), face, pose)
    _mouth(front, face, pose.open_smile)
    _glasses(front, face)


def _skin(brush: Brush, face: Features, pose: Pose) -> None:
    shade, side = skin_shade(face.skin), pose.light.side
    lit, far = lighter(face.skin, 0.10), mix(face.skin, shade, 0.42)
    corners = (lit, far) if side < 0 else (far, lit)
    with brush.clip(face_outline(face), softly=True) as skin:
        skin.wash((*corners, *corners))
        skin.glow((-1.15 * side, 0.5), (0.75, 1.5), shade, 0.75)
        skin.glow((0.30 * side, -0.55), (0.75, 0.6), lighter(face.skin, 0.35), 0.35)
        skin.glow((0.0, -1.25), (1.25, 0.60), shade, 0.60)
        skin.glow((0.0, face.face_length + 0.12), (0.8, 0.36), shade, 0.55)
        for cheek in (-1, 1):
            x = 0.56 * cheek + pose.look * 0.08
            skin.glow((x, 0.40), (0.40, 0.32), mix(face.skin, (226, 84, 84), 0.50), 0.40)
            skin.glow((x * 0.98, 0.22), (0.20, 0.10), lighter(face.skin, 0.5), 0.35)
            skin.glow((0.42 * cheek + pose.look * 0.08, -0.13), (0.36, 0.24), shade, 0.55)


def _ear(brush: Brush, face: Features, side: int) -> None:
    shade = skin_shade(face.skin)
    brush.oval((1.0 * side, 0.14), (0.14, 0.29), mix(face.skin, shade, 0.5))
    brush.oval((1.02 * side, 0.13), (0.075, 0.19), shade, 0.6)


def paint_earrings(brush: Brush, face: Features) -> None:
    """What hangs from both ears."""
    for side in (-1, 1):
        x = 1.04 * side
        if face.earrings is Earrings.STUDS:
            brush.oval((x, 0.42), (0.05, 0.05), _GOLD)
            brush.oval((x - 0.012, 0.408), (0.018, 0.018), (255, 246, 220))
        elif face.earrings is Earrings.HOOPS:
            ring = oval_points((x, 0.54), (0.13, 0.15))[::2]
            ring = [*ring, *ring[:1]]
            brush.stroke(ring, 0.035, _GOLD)
        elif face.earrings is Earrings.DROPS:
            brush.stroke([(x, 0.40), (x, 0.56)], 0.022, _GOLD)
            brush.shape([(x, 0.52), (x + 0.06, 0.66), (x, 0.72), (x - 0.06, 0.66)], _GOLD)


def _freckles(brush: Brush, face: Features) -> None:
    dice = Dice(f"freckles/{face.nose_width}")
    tone = mix(face.skin, (150, 78, 44), 0.45)
    for index in range(26 if face.freckled else 0):
        x = dice.between(f"x{index}", -0.68, 0.68)
        y = 0.30 + dice.between(f"y{index}", -0.11, 0.12) - abs(x) * 0.06
        size = dice.between(f"size{index}", 0.011, 0.02)
        brush.oval((x, y), (size, size), tone, 0.65)
    if face.beauty_spot:
        brush.oval((0.40, 0.62), (0.024, 0.024), darker(skin_shade(face.skin), 0.5), 0.85)


def _eye(brush: Brush, face: Features, side: int, width: float, look: float) -> None:
    high, tilt = face.eye_height, face.eye_tilt
    lid = flipped(
        [(-width, 0.035), (-width * 0.55, -high * 0.72), (0.0, -high), (width * 0.6, -high * 0.66), (width, -tilt)], side
    )
    low = flipped([(width * 0.55, high * 0.62), (0.0, high * 0.80), (-width * 0.55, high * 0.52)], side)
    lash = darker(face.hair_colour, 0.72)
    with brush.clip([lid[0], *lid, lid[-1], *low]) as eye:
        eye.wash(((236, 228, 222),) * 2 + ((252, 250, 248),) * 2)
        iris = (look * 0.028, -0.012)
        eye.oval(iris, (0.118, 0.118), darker(face.eyes, 0.55))
        eye.oval(iris, (0.100, 0.100), face.eyes)
        eye.oval((iris[0], iris[1] + 0.03), (0.075, 0.06), lighter(face.eyes, 0.25), 0.7)
        eye.oval(iris, (0.052, 0.052), (18, 12, 16))
        eye.stroke([(x, y + 0.03) for x, y in lid], 0.07, darker(skin_shade(face.skin), 0.5), 0.32)
        eye.oval((iris[0] + 0.038, iris[1] - 0.04), (0.026, 0.026), (255, 255, 255))
    wing = (lid[-1][0] + 0.05 * side, lid[-1][1] - 0.045)
    brush.stroke([*lid, wing], 0.052, lash, ends=(0.35, 0.12))
    crease = [(x * 1.02, y - 0.062) for x, y in lid[1:]]
    brush.stroke(crease, 0.018, darker(skin_shade(face.skin), 0.25), 0.7, ends=(0.2, 0.2))
    brush.stroke([lid[-1], *low], 0.014, darker(skin_shade(face.skin), 0.35), 0.6, ends=(0.8, 0.1))


def _brow(brush: Brush, face: Features, side: int) -> None:
    top, arch = -0.295, face.brow_arch
    line = [(-0.23, top), (-0.04, top - arch * 0.55), (0.14, top - arch * 0.75), (0.31, top + 0.05)]
    tone = darker(face.hair_colour, 0.30 if luminance(face.hair_colour) > 0.3 else 0.05)
    brush.stroke(flipped(line, side), face.brow_weight, tone, 0.92, ends=(0.75, 0.08))


def _nose(brush: Brush, face: Features, pose: Pose) -> None:
    side, tip, half = pose.light.side, face.nose_length, face.nose_width
    shade = skin_shade(face.skin)
    brush.glow((-0.10 * side, tip - 0.18), (0.13, 0.34), shade, 0.55)
    brush.glow((0.0, tip + 0.09), (0.26, 0.09), shade, 0.8)
    brush.glow((0.02 * side, tip - 0.06), (0.10, 0.11), lighter(face.skin, 0.55), 0.75)
    brush.glow((0.02 * side, tip - 0.34), (0.05, 0.26), lighter(face.skin, 0.5), 0.5)
    dark = darker(shade, 0.38)
    for wing in (-1, 1):
        brush.stroke(
            flipped([(half * 0.96, tip - 0.085), (half * 1.08, tip), (half * 0.72, tip + 0.045)], wing), 0.022, dark, 0.45, ends=(0.1, 0.6)
        )
        brush.stroke(flipped([(half * 0.70, tip + 0.035), (half * 0.36, tip + 0.03)], wing), 0.034, dark, 0.75, ends=(0.3, 0.3))
    brush.stroke([(-half * 0.3, tip + 0.055), (0.0, tip + 0.072), (half * 0.3, tip + 0.055)], 0.018, dark, 0.35, ends=(0.2, 0.2))


def _mouth(brush: Brush, face: Features, open_smile: bool) -> None:
    tone = mix(face.lips, skin_shade(face.skin), 0.38)
    y, half, full = face.nose_length + 0.365, face.mouth_width, face.lip_fullness
    gap = 0.075 if open_smile else 0.0
    corner = (half * 1.08, y - 0.092)
    upper = [corner, (half * 0.5, y - 0.075 * full - 0.01), (0.07, y - 0.095 * full), (0.0, y - 0.072 * full)]
    seam = [(half * 0.55, y - 0.002), (0.0, y + 0.024)]
    lower = [(half * 0.55, y + 0.012 + gap * 0.75), (0.0, y + 0.02 + gap)]
    under = [(0.0, y + gap + 0.125 * full), (half * 0.5, y + gap * 0.8 + 0.095 * full)]
    brush.glow((0.0, y + gap + 0.20 * full), (0.24, 0.07), skin_shade(face.skin), 0.75)
    brush.shape(_both([*upper[::-1][:3], corner, *under[::-1]]), darker(tone, 0.14))
    if open_smile:
        _teeth(brush, corner, seam, lower)
    brush.shape(_both([*under[:1], *under[1:], corner, *lower]), lighter(tone, 0.06))
    brush.shape(_both([upper[3], upper[2], upper[1], corner, *seam]), darker(tone, 0.14))
    line = [(-corner[0], corner[1]), *flipped(lower[:1] if open_smile else seam[:1], -1)]
    line += [*(lower[::-1] if open_smile else seam[::-1]), corner]
    brush.stroke(line, 0.022, darker(tone, 0.55), 0.85, ends=(0.6, 0.6))
    brush.glow((0.03, y + gap + 0.07 * full), (half * 0.42, 0.04), lighter(tone, 0.6), 0.65)


def _teeth(brush: Brush, corner: Point, seam: list[Point], lower: list[Point]) -> None:
    outline = [corner, *lower, (-lower[0][0], lower[0][1]), (-corner[0], corner[1]), (-seam[0][0], seam[0][1]), seam[1], seam[0]]
    with brush.clip(outline) as mouth:
        mouth.wash((_TEETH,) * 2 + (darker(_TEETH, 0.08),) * 2)
        mouth.stroke(open_curve([(-corner[0], corner[1]), *flipped(seam[:1], -1), *seam[::-1], corner]), 0.03, (110, 60, 60), 0.35)
        for side in (-1, 1):
            mouth.glow((corner[0] * side, corner[1] + 0.02), (0.13, 0.12), (96, 44, 48), 0.8)


def _both(right_side: list[Point]) -> list[Point]:
    return mirrored(right_side)


def _glasses(brush: Brush, face: Features) -> None:
    if face.glasses is Glasses.NONE:
        return
    metal = face.glasses is Glasses.ROUND
    tone: Colour = (150, 116, 76) if metal else (44, 34, 38)
    width = 0.028 if metal else 0.048
    for side in (-1, 1):
        x = face.eye_gap * side
        wide, high = (0.33, 0.31) if metal else (0.36, 0.27)
        corner = 0.72 if metal else 0.9
        rim = [(wide, 0.0), (wide * corner, high * corner), (0.0, high), (-wide * corner, high * corner), (-wide, 0.0)]
        rim += [(-wide * corner, -high * corner), (0.0, -high), (wide * corner, -high * corner)]
        placed = [(x + a, 0.03 + b) for a, b in rim]
        brush.shape(placed, (255, 255, 255), 0.10)
        brush.stroke([*placed, placed[0]], width, tone)
        brush.stroke([(x + wide * side, -0.02), (1.0 * side, -0.06)], width, tone)
        brush.stroke([(x - 0.17, 0.12), (x - 0.03, -0.12)], 0.035, (255, 255, 255), 0.35, ends=(0.2, 0.2))
    inner = face.eye_gap - (0.33 if metal else 0.36)
    brush.stroke([(-inner, 0.0), (0.0, -0.05), (inner, 0.0)], width, tone)
