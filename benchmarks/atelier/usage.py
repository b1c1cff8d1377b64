"""What processes take: processor seconds and memory, as Linux counts them (proc(5))."""

import os
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_STOLEN_AND_GUEST = 7  # fields of /proc/stat from there on are counted elsewhere already


@dataclass(frozen=True, slots=True)
class Usage:
    """Processor seconds since the start, user and system; greatest resident memory in bytes."""

    cpu_s: float
    peak_bytes: int

    def since(self, earlier: "Usage") -> "Usage":
        """What was taken since `earlier`."""
        return Usage(self.cpu_s - earlier.cpu_s, self.peak_bytes)


@dataclass(frozen=True, slots=True)
class Spent:
    """What was used in a while: by name, and by everything else on the machine, in cores."""

    took_s: float
    used: dict[str, Usage]
    others_cores: float


class Meter:
    """Counts from now on what the processes that `read` knows take."""

    def __init__(self, read: Callable[[], dict[str, Usage]]) -> None:
        self._read = read
        self._before = read()
        self._busy_s = _busy_s()
        self._began = time.monotonic()

    def spent(self) -> Spent:
        """What was taken so far."""
        took_s = time.monotonic() - self._began
        used = {name: usage.since(self._before[name]) for name, usage in self._read().items()}
        ours_s = sum(usage.cpu_s for usage in used.values())
        others_s = _busy_s() - self._busy_s - ours_s
        return Spent(took_s, used, max(0.0, others_s / took_s))


def usage_by_name(
    pids: Mapping[str, int], *, with_children: Collection[str] = ()
) -> dict[str, Usage]:
    """The usage of each process, of some together with their children; the peak is its own."""
    children = _children()
    return {
        name: _usage(pid, children.get(pid, ()) if name in with_children else ())
        for name, pid in pids.items()
    }


def _busy_s() -> float:
    """Processor seconds that everything on this machine has taken since it started."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    user, nice, system, _idle, _waiting, *interrupts = (
        int(field) for field in fields[:_STOLEN_AND_GUEST]
    )
    return (user + nice + system + sum(interrupts)) / _TICKS_PER_S


def _usage(pid: int, children: Iterable[int]) -> Usage:
    cpu_s = _cpu_s(pid, with_waited=bool(children)) + sum(_cpu_s(child) for child in children)
    return Usage(cpu_s, _peak_bytes(pid))


def _cpu_s(pid: int, *, with_waited: bool = False) -> float:
    fields = _stat(pid)
    # utime and stime, then those of children that were waited for.
    ticks = fields[11:15] if with_waited else fields[11:13]
    return sum(int(field) for field in ticks) / _TICKS_PER_S


def _peak_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def _children() -> dict[int, list[int]]:
    children: dict[int, list[int]] = {}
    for directory in Path("/proc").iterdir():
        if directory.name.isdigit():
            fields = _stat(int(directory.name))
            if fields:
                children.setdefault(int(fields[1]), []).append(int(directory.name))
    return children


def _stat(pid: int) -> list[str]:
    try:
        # The program's name, in brackets, may itself hold spaces and brackets.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
