"""What is known about one code."""

from dataclasses import dataclass
from typing import Literal

Door = Literal["REST", "event"]

REST: tuple[Door, ...] = ("REST",)
EVENT: tuple[Door, ...] = ("event",)
BOTH: tuple[Door, ...] = ("REST", "event")
INSIDE: tuple[Door, ...] = ()


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """One code. `doors` are the ones it is given at; none if only our own services see it."""

    code: str
    status: int
    meaning: str
    remedy: str
    doors: tuple[Door, ...] = REST
