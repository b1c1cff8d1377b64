"""Curves through given points, as plain lists of points."""

from collections.abc import Sequence
from math import cos, hypot, sin, tau

Point = tuple[float, float]

_STEPS = 7  # straight pieces per span; enough for a face 1,000 pixels wide


def path(text: str) -> list[Point]:
    """The points written as `x,y x,y ...`."""
    return [(float(x), float(y)) for x, _, y in (pair.partition(",") for pair in text.split())]


def closed_curve(points: Sequence[Point]) -> list[Point]:
    """The smooth closed curve through all points (Catmull-Rom). A point given twice is a corner."""
    count = len(points)
    around = [points[i % count] for i in range(-1, count + 2)]
    return _spans(around)


def open_curve(points: Sequence[Point]) -> list[Point]:
    """The smooth curve from the first point to the last."""
    return [*_spans([points[0], *points, points[-1]]), points[-1]]


def outline(line: Sequence[Point], width: float, ends: tuple[float, float]) -> list[Point]:
    """The rim of a line that is `width` wide in its middle and `ends` of that at its ends."""
    left: list[Point] = []
    right: list[Point] = []
    last = len(line) - 1
    for index, (x, y) in enumerate(line):
        before, after = line[max(index - 1, 0)], line[min(index + 1, last)]
        dx, dy = after[0] - before[0], after[1] - before[1]
        length = hypot(dx, dy) or 1.0
        half = width / 2 * _swell(index / last, ends)
        left.append((x - dy / length * half, y + dx / length * half))
        right.append((x + dy / length * half, y - dx / length * half))
    return [*left, *reversed(right)]


def oval(centre: Point, radii: Point) -> list[Point]:
    """The rim of an ellipse, as many points as it takes to look round."""
    steps = 24 if hypot(*radii) < 0.45 else 48
    turns = (tau * step / steps for step in range(steps))
    return [(centre[0] + radii[0] * cos(t), centre[1] + radii[1] * sin(t)) for t in turns]


def mirrored(right_side: Sequence[Point]) -> list[Point]:
    """A symmetric outline from its right side; points at x = 0 are not doubled."""
    return [*right_side, *((-x, y) for x, y in reversed(right_side) if x != 0)]


def scalloped(outline: Sequence[Point], size: float) -> list[Point]:
    """A closed outline, given clockwise on the picture, with round bumps about `size` wide."""
    rim = _evenly(closed_curve(outline), size * 1.5)
    bumps: list[Point] = []
    for (x, y), (to_x, to_y) in zip(rim, [*rim[1:], rim[0]], strict=True):
        along_x, along_y = to_x - x, to_y - y
        # A point given twice is a corner: the dent between two bumps.
        bumps += [(x, y), (x, y)]
        for along, out in ((0.06, 0.26), (0.5, 0.46), (0.94, 0.26)):
            bumps.append((x + along_x * along + along_y * out, y + along_y * along - along_x * out))
    return bumps


def _evenly(line: Sequence[Point], step: float) -> list[Point]:
    kept = [line[0]]
    for point in line:
        if hypot(point[0] - kept[-1][0], point[1] - kept[-1][1]) >= step:
            kept.append(point)
    return kept


def _swell(position: float, ends: tuple[float, float]) -> float:
    middle = 4 * position * (1 - position)
    return ends[0] * (1 - position) * (1 - middle) + ends[1] * position * (1 - middle) + middle


def _spans(points: Sequence[Point]) -> list[Point]:
    curve: list[Point] = []
    for p0, p1, p2, p3 in zip(points, points[1:], points[2:], points[3:], strict=False):
        if p1 == p2:  # a corner; a curve through it would loop
            continue
        for a, b, c, d in _WEIGHTS:
            x = a * p0[0] + b * p1[0] + c * p2[0] + d * p3[0]
            curve.append((x, a * p0[1] + b * p1[1] + c * p2[1] + d * p3[1]))
    return curve


def _weights(t: float) -> tuple[float, float, float, float]:
    squared, cubed = t * t, t * t * t
    return (
        (-t + 2 * squared - cubed) / 2,
        (2 - 5 * squared + 3 * cubed) / 2,
        (t + 4 * squared - 3 * cubed) / 2,
        (cubed - squared) / 2,
    )


_WEIGHTS = tuple(_weights(step / _STEPS) for step in range(_STEPS))
