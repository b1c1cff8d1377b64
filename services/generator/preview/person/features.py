"""What an avatar looks like: a pure function of its id."""

from dataclasses import dataclass
from enum import StrEnum, auto

from services.generator.preview.drawing.colour import Colour, luminance
from services.generator.preview.drawing.dice import Dice


class Hair(StrEnum):
    """How the hair is worn."""

    WAVES = auto()
    STRAIGHT = auto()
    BOB = auto()
    FRINGE = auto()
    BUN = auto()
    PONYTAIL = auto()
    CURLS = auto()
    AFRO = auto()
    PIXIE = auto()
    BRAID = auto()


class Glasses(StrEnum):
    """What sits on the nose."""

    NONE = auto()
    ROUND = auto()
    SQUARE = auto()


class Earrings(StrEnum):
    """What hangs from the ears."""

    NONE = auto()
    STUDS = auto()
    HOOPS = auto()
    DROPS = auto()


SKINS: tuple[Colour, ...] = (
    (252, 221, 198),
    (246, 206, 176),
    (236, 189, 154),
    (221, 168, 130),
    (198, 140, 102),
    (168, 112, 78),
    (134, 86, 60),
    (100, 64, 48),
)
DARK_HAIRS: tuple[Colour, ...] = ((36, 29, 33), (56, 37, 33), (84, 53, 40), (112, 60, 42))
LIGHT_HAIRS: tuple[Colour, ...] = (
    (146, 64, 40),
    (186, 94, 52),
    (168, 122, 76),
    (214, 170, 108),
    (230, 206, 166),
    (196, 116, 128),
)
EYES: tuple[Colour, ...] = (
    (64, 40, 28),
    (102, 66, 38),
    (126, 104, 54),
    (76, 112, 84),
    (82, 124, 160),
    (104, 118, 132),
)
LIPS: tuple[Colour, ...] = (
    (196, 92, 92),
    (178, 70, 84),
    (206, 112, 98),
    (158, 62, 70),
    (190, 100, 112),
)


@dataclass(frozen=True, slots=True)
class Features:
    """One adult face. Lengths are in half face widths."""

    skin: Colour
    hair: Hair
    hair_colour: Colour
    parting: int  # -1 or 1: the side on which the hair parts
    eyes: Colour
    eye_height: float
    eye_tilt: float
    eye_gap: float
    brow_weight: float
    brow_arch: float
    jaw: float
    chin: float
    face_length: float
    nose_width: float
    nose_length: float
    lips: Colour
    lip_fullness: float
    mouth_width: float
    freckled: bool
    beauty_spot: bool
    glasses: Glasses
    earrings: Earrings
    shoulders: float


def features(avatar_id: str) -> Features:
    """The same features for the same id, always; another id looks like somebody else."""
    dice = Dice(f"face/{avatar_id}")
    skin = dice.pick("skin", SKINS)
    fair = luminance(skin) > 0.65
    return Features(
        skin=skin,
        hair=dice.pick("hair", tuple(Hair)),
        hair_colour=dice.pick("hair colour", _hairs_for(skin)),
        parting=dice.pick("parting", (-1, 1)),
        eyes=dice.pick("eyes", EYES if fair else EYES[:3]),
        eye_height=dice.between("eye height", 0.098, 0.128),
        eye_tilt=dice.between("eye tilt", -0.01, 0.045),
        eye_gap=dice.between("eye gap", 0.40, 0.45),
        brow_weight=dice.between("brow weight", 0.055, 0.095),
        brow_arch=dice.between("brow arch", 0.03, 0.10),
        jaw=dice.between("jaw", 0.77, 0.88),
        chin=dice.between("chin", 0.30, 0.44),
        face_length=dice.between("face length", 1.32, 1.45),
        nose_width=dice.between("nose width", 0.15, 0.21),
        nose_length=dice.between("nose length", 0.48, 0.56),
        lips=dice.pick("lips", LIPS),
        lip_fullness=dice.between("lip fullness", 0.8, 1.2),
        mouth_width=dice.between("mouth width", 0.31, 0.38),
        freckled=fair and dice.chance("freckles", 0.3),
        beauty_spot=dice.chance("beauty spot", 0.2),
        glasses=dice.pick(
            "glasses", (Glasses.NONE, Glasses.NONE, Glasses.NONE, Glasses.ROUND, Glasses.SQUARE)
        ),
        earrings=dice.pick("earrings", tuple(Earrings)),
        shoulders=dice.between("shoulders", 0.93, 1.06),
    )


def _hairs_for(skin: Colour) -> tuple[Colour, ...]:
    """The hair colours that stand out from the skin, so that the hairline can be seen."""
    if luminance(skin) > 0.65:
        return DARK_HAIRS + LIGHT_HAIRS
    return DARK_HAIRS if luminance(skin) > 0.42 else DARK_HAIRS[:2]
