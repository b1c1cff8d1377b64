"""The face: skin, ears, freckles, and everything that sits on it."""

from services.generator.preview.drawing.brush import Brush
from services.generator.preview.drawing.colour import darker, lighter, mix, skin_shade
from services.generator.preview.drawing.curves import Point, mirrored
from services.generator.preview.drawing.dice import Dice
from services.generator.preview.person.eyes import paint_brow, paint_eye, paint_glasses
from services.generator.preview.person.features import Features
from services.generator.preview.person.mouth import paint_mouth, paint_nose
from services.generator.preview.pose import Pose


def paint_face(brush: Brush, face: Features, pose: Pose) -> None:
    """Everything of the head but hair and jewellery, in the head's frame."""
    for side in (-1, 1):
        _ear(brush.at((0.0, 0.0), flip=side), face)
    _skin(brush, face, pose)
    # What stands out from the head moves further than the head when it turns.
    front = brush.at((pose.look * 0.085, 0.0))
    _marks(front, face)
    for side in (-1, 1):
        eye = front.at((face.eye_gap * side, 0.0), flip=side)
        paint_eye(eye, face, pose.look * side)
        paint_brow(eye, face)
    paint_nose(brush.at((pose.look * 0.12, 0.0)), face, pose.light.side)
    paint_mouth(front, face, open_smile=pose.open_smile)
    paint_glasses(front, face)


def _outline(face: Features) -> list[Point]:
    """The edge of the face; the hair hides its upper part."""
    cranium = [(0.0, -1.38), (0.60, -1.24), (0.93, -0.78), (0.985, -0.2), (0.955, 0.28)]
    jaw = [(face.jaw, 0.80), (face.chin + 0.14, face.face_length - 0.14)]
    chin = [(face.chin * 0.55, face.face_length - 0.015), (0.0, face.face_length)]
    return mirrored([*cranium, *jaw, *chin])


def _skin(brush: Brush, face: Features, pose: Pose) -> None:
    shade, side = skin_shade(face.skin), pose.light.side
    lit, far = lighter(face.skin, 0.10), mix(face.skin, shade, 0.42)
    left, right = (lit, far) if side < 0 else (far, lit)
    blush = mix(face.skin, (226, 84, 84), 0.50)
    with brush.clip(_outline(face), softly=True) as skin:
        skin.wash((left, right, left, right))
        skin.glow((-1.15 * side, 0.5), (0.75, 1.5), shade, 0.75)
        skin.glow((0.30 * side, -0.55), (0.75, 0.6), lighter(face.skin, 0.35), 0.35)
        skin.glow((0.0, -1.25), (1.25, 0.60), shade, 0.60)
        skin.glow((0.0, face.face_length + 0.12), (0.8, 0.36), shade, 0.55)
        for cheek in (-1, 1):
            x = 0.56 * cheek + pose.look * 0.08
            skin.glow((x, 0.40), (0.40, 0.32), blush, 0.34)
            skin.glow((x * 0.98, 0.22), (0.20, 0.10), lighter(face.skin, 0.5), 0.35)
            skin.glow((0.42 * cheek + pose.look * 0.08, -0.13), (0.36, 0.24), shade, 0.55)


def _ear(brush: Brush, face: Features) -> None:
    shade = skin_shade(face.skin)
    brush.oval((1.0, 0.14), (0.14, 0.29), mix(face.skin, shade, 0.5))
    brush.oval((1.02, 0.13), (0.075, 0.19), shade, 0.6)


def _marks(brush: Brush, face: Features) -> None:
    dice = Dice(f"freckles/{face.nose_width}")
    tone = mix(face.skin, (150, 78, 44), 0.45)
    for index in range(26 if face.freckled else 0):
        x = dice.between(f"x{index}", -0.68, 0.68)
        y = 0.30 + dice.between(f"y{index}", -0.11, 0.12) - abs(x) * 0.06
        size = dice.between(f"size{index}", 0.011, 0.02)
        brush.oval((x, y), (size, size), tone, 0.65)
    if face.beauty_spot:
        brush.oval((0.40, 0.62), (0.024, 0.024), darker(skin_shade(face.skin), 0.5), 0.85)
