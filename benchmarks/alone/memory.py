"""What a process holds while pieces go through it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import linear_regression

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_MEGABYTE = 2**20
_WARM_SHARE = 0.3
"""Of the pieces, after which caches, pools and threads are expected to have their size."""
_LEAST_PIECES = 1000
"""With fewer the slope would tell of chance."""


@dataclass(frozen=True, slots=True)
class Held:
    """Megabytes in memory at the end, and how many more with every thousand pieces."""

    end_mb: float
    mb_per_thousand: float | None


@dataclass(slots=True)
class Memory:
    """Samples of resident memory by the pieces that were done."""

    pid: int
    _samples: list[tuple[int, float]] = field(default_factory=list)

    def look(self, pieces_done: int) -> None:
        """Take a sample, as proc(5) tells it."""
        resident_pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        self._samples.append((pieces_done, resident_pages * _PAGE_BYTES / _MEGABYTE))

    def held(self) -> Held:
        """What came of it."""
        last, end_mb = self._samples[-1]
        warm = [sample for sample in self._samples if sample[0] >= last * _WARM_SHARE]
        return Held(end_mb, _slope(warm) if last >= _LEAST_PIECES else None)


def _slope(samples: Sequence[tuple[int, float]]) -> float:
    thousands = [pieces / 1000 for pieces, _ in samples]
    return linear_regression(thousands, [held_mb for _, held_mb in samples]).slope
