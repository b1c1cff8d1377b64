"""Which locks make up every hair style."""

from dataclasses import dataclass

from services.generator.preview.person import locks_close as close
from services.generator.preview.person import locks_loose as loose
from services.generator.preview.person.features import Hair
from services.generator.preview.person.lock import Lock


@dataclass(frozen=True, slots=True)
class Cut:
    """What hangs behind the shoulders, and what lies over face and shoulders."""

    back: tuple[Lock, ...]
    front: tuple[Lock, ...]


def _plait() -> tuple[Lock, ...]:
    """A braid that comes from behind the ear and lies on the shoulder."""
    turns = []
    for index in range(7):
        x, y, wide = 0.98 + 0.045 * index, 0.72 + 0.36 * index, 0.27 - 0.018 * index
        lean = 0.10 if index % 2 else -0.10
        outline = ((x - wide, y - lean), (x, y - 0.28), (x + wide, y + lean), (x, y + 0.34))
        guides = ((x - wide, y - lean), (x, y + 0.1)), ((x, y - 0.25), (x + wide, y + lean))
        turns.append(Lock(outline, guides))
    return tuple(turns)


CUTS: dict[Hair, Cut] = {
    Hair.WAVES: Cut((loose.WAVY_BACK,), (loose.WAVY_RIGHT, loose.WAVY_LEFT)),
    Hair.STRAIGHT: Cut((loose.LONG_BACK,), (loose.LONG_RIGHT, loose.LONG_LEFT)),
    Hair.BOB: Cut((loose.SHORT_BACK,), (loose.BOB_RIGHT, loose.BOB_LEFT)),
    Hair.FRINGE: Cut((loose.SHORT_BACK,), (loose.BANGS,)),
    Hair.BUN: Cut((close.KNOT, close.NAPE), (close.TIGHT_CAP,)),
    Hair.PONYTAIL: Cut((close.TAIL, close.NAPE), (close.TIGHT_CAP,)),
    Hair.CURLS: Cut((close.CURLY_BACK,), (close.CURLY_TOP,)),
    Hair.AFRO: Cut((close.AFRO_BACK,), (close.AFRO_TOP,)),
    Hair.PIXIE: Cut((close.NAPE,), (close.PIXIE_TOP,)),
    Hair.BRAID: Cut((close.NAPE,), (*_plait(), close.SIDE_RIGHT, close.SIDE_LEFT)),
}
