"""The device is never waited for at once: one turn may be handed in while another is worked off."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from services.generator.sdxl.decoding import Decoded
from services.generator.sdxl.device import Mark
from services.generator.sdxl.ticket import Ticket

AHEAD = 1
"""Turns handed in beyond the one that is worked off. More, and who joins or leaves comes late."""


@dataclass(slots=True)
class Turn:
    """What was handed in between two marks, and what is to be told once it is done."""

    begin: Mark
    end: Mark | None = None
    told: list[tuple[Ticket, int]] = field(default_factory=list)
    decoded: list[tuple[Ticket, Decoded]] = field(default_factory=list)


class Pace:
    """Turns under way, oldest first."""

    def __init__(self) -> None:
        self._under_way: deque[Turn] = deque()

    def add(self, turn: Turn, end: Mark) -> None:
        """Handed in as a whole."""
        turn.end = end
        self._under_way.append(turn)

    def done(self, ahead: int = AHEAD) -> Iterator[tuple[Turn, float]]:
        """Turns that are worked off, with the device's seconds; waits until `ahead` are left."""
        while self._under_way:
            turn = self._under_way[0]
            end = turn.end
            if end is None or (len(self._under_way) <= ahead and not end.reached()):
                return
            end.wait()
            self._under_way.popleft()
            yield turn, end.since_s(turn.begin)

    def forget(self) -> list[Turn]:
        """Turns whose end is not waited for any more."""
        turns = list(self._under_way)
        self._under_way.clear()
        return turns

    def __len__(self) -> int:
        return len(self._under_way)
