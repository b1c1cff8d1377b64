"""Processor time of running processes, as Linux counts it (proc(5))."""

import os
from collections.abc import Iterable
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """Seconds that a process, all threads together, has spent since its start."""
    # The program's name, in brackets, may itself hold spaces and brackets.
    fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def cpu_of(pids: Iterable[int]) -> dict[int, float]:
    """The same for many."""
    return {pid: cpu_s(pid) for pid in pids}
