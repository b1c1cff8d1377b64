"""Which size takes the next steps, where several are under way."""

from collections.abc import Mapping

from services.generator.sdxl.canvas import Canvas

INTERACTIVE_STEPS = 4
BULK_STEPS = 1


class Turns:
    """Turns of a few steps, one size after the other, so a full one keeps no other waiting.

    A size for which somebody waits has longer turns than one with bulk alone. A turn is a number of
    steps, not of seconds: per sample, everybody gets on equally fast.
    """

    def __init__(self) -> None:
        self._order: list[Canvas] = []
        self._left = 0

    def next(self, urgent: Mapping[Canvas, bool]) -> Canvas:
        """Whose step it is, among those under way: canvas to whether somebody waits for one."""
        stays = bool(self._order) and self._order[0] in urgent and self._left > 0
        if not stays:
            self._rotate(urgent)
        self._left -= 1
        return self._order[0]

    def _rotate(self, urgent: Mapping[Canvas, bool]) -> None:
        order = [canvas for canvas in [*self._order[1:], *self._order[:1]] if canvas in urgent]
        self._order = [*order, *(canvas for canvas in urgent if canvas not in order)]
        self._left = INTERACTIVE_STEPS if urgent[self._order[0]] else BULK_STEPS
