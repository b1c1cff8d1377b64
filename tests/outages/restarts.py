"""Restart service processes one by one, as an operator does it: politely."""

import asyncio
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.system import System
from tests.eventually import eventually

GRACE_S = 20.0
READY_WITHIN_S = 30.0
READY = "service.ready"
CLEAN_END = "ended with exit code 0;"
SERVICES = ("generator", "hooks", "safety", "storage", "ledger", "gateway")


@dataclass(frozen=True, slots=True)
class Restart:
    """How a process ended on SIGTERM, and its successor began."""

    name: str
    ended_s: float
    ready_s: float


def replicas(system: System, service: str) -> list[str]:
    """Names of a service's processes."""
    return [name for name in system.endpoint["pids"] if name.split(".")[0] == service]


async def restart(system: System, name: str) -> Restart:
    """SIGTERM one process; return when its successor is ready. Its exit status must be 0."""
    log = system.data / "logs" / f"{name.split('.', maxsplit=1)[0]}.log"
    readies, clean_ends = _count(log, name, READY), _count(log, name, CLEAN_END)
    pid = system.endpoint["pids"][name]
    began = time.monotonic()
    os.kill(pid, signal.SIGTERM)
    await eventually(lambda: not _runs(pid), GRACE_S, every_s=0.02)
    ended_s = time.monotonic() - began
    await eventually(lambda: _count(log, name, READY) > readies, READY_WITHIN_S, every_s=0.05)
    assert _count(log, name, CLEAN_END) == clean_ends + 1, log.read_text()[-2000:]
    return Restart(name, ended_s, time.monotonic() - began)


async def restart_all(system: System) -> list[Restart]:
    """Restart every process of every service, one after the other."""
    done = []
    for service in SERVICES:
        for name in replicas(system, service):
            done.append(await restart(system, name))
            await asyncio.sleep(0)
    return done


def _count(log: Path, name: str, words: str) -> int:
    lines = log.read_text(encoding="utf-8").splitlines()
    return sum(line.startswith(f"{name} |") and words in line for line in lines)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
