"""How many samples may take a step together: what was set, what memory allows, what went well."""

from dataclasses import dataclass

from services.generator.sdxl.canvas import Canvas

PATIENCE = 500
"""Good steps in a row after which one sample more is tried, where memory once ran out."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What a row of a batch takes, and an image's decoding, both per pixel; and what there is."""

    room_bytes: int
    row_bytes_per_pixel: float
    decoding_bytes_per_pixel: float

    def samples(self, canvas: Canvas) -> int:
        """As many as fit, and one in any case: it may be tried."""
        pixels = canvas.width * canvas.height
        free = self.room_bytes - self.decoding_bytes_per_pixel * pixels
        return max(1, int(free / max(self.row_bytes_per_pixel * pixels * canvas.rows, 1)))


@dataclass(slots=True)
class _Lowered:
    samples: int
    good: int = 0


class Ceilings:
    """A number of samples for every canvas. `memory` is None where only the setting counts."""

    def __init__(self, batch: int, memory: Memory | None = None) -> None:
        self._batch = batch
        self._memory = memory
        self._lowered: dict[Canvas, _Lowered] = {}

    def of(self, canvas: Canvas) -> int:
        """At most so many."""
        lowered = self._lowered.get(canvas)
        return lowered.samples if lowered else self._most(canvas)

    def ran_out(self, canvas: Canvas, samples: int) -> None:
        """So many were too many."""
        self._lowered[canvas] = _Lowered(max(1, samples // 2))

    def went_well(self, canvas: Canvas) -> None:
        """A step was taken."""
        lowered = self._lowered.get(canvas)
        if lowered is None:
            return
        lowered.good += 1
        if lowered.good >= PATIENCE:
            lowered.good = 0
            lowered.samples += 1
            if lowered.samples >= self._most(canvas):
                del self._lowered[canvas]

    def _most(self, canvas: Canvas) -> int:
        fitting = self._memory.samples(canvas) if self._memory else self._batch
        return min(self._batch, fitting)
