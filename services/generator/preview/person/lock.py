"""One mass of hair."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.generator.preview.drawing.curves import Point


@dataclass(frozen=True, slots=True)
class Lock:
    """Hair inside one outline, in the head's coordinates with the parting on the right.

    Strands run from the first guide to the second; `curl` is the size of its curls, 0 for none.
    """

    outline: Sequence[Point]
    guides: tuple[Sequence[Point], Sequence[Point]]
    curl: float = 0.0
