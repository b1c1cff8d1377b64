"""Do to the running Atelier what the plan says, and write down what was done."""

import asyncio
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from deploy.local.leftovers import find_leftovers
from deploy.local.processes import ProcessIdentity
from tests.chaos.evidence import JsonLines
from tests.chaos.schedule import Fault

LOOK_EVERY_S = 0.05
VICTIM_LIMIT_S = 30.0
"""How long a dead process may take to be there again before we stop waiting to kill it."""


class Weather(Protocol):
    """Who can disturb connections."""

    async def tell(self, **command: object) -> None:
        """Disturb a route."""
        ...


@dataclass(slots=True)
class Inflict:
    """Carries out faults on the processes that `running_file` names."""

    running_file: Path
    proxy: Weather
    log: JsonLines
    done: Counter[tuple[str, str]] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    recoveries_s: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    ended_at: float = 0.0
    """When the last fault was over, in seconds since 1970."""
    _paused: set[ProcessIdentity] = field(default_factory=set)

    async def all(self, faults: Iterable[Fault]) -> None:
        """Carry out every fault at its time; return when the last is over and all processes live.

        Whatever happens, no process stays paused.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.TaskGroup() as group:
                for fault in faults:
                    await asyncio.sleep(began + fault.at_s - loop.time())
                    group.create_task(self._one(fault))
        finally:
            for process in self._paused:
                process.send(signal.SIGCONT)

    async def _one(self, fault: Fault) -> None:
        match fault.kind:
            case "kill":
                await self._kill(fault)
            case "pause":
                await self._pause(fault)
            case _:
                await self.proxy.tell(route=fault.target, kind=fault.kind, for_s=fault.for_s)
                self._note(fault)
                await asyncio.sleep(fault.for_s)

    async def _kill(self, fault: Fault) -> None:
        process = await self._alive(fault.target)
        if process is None:
            self.missed.append(f"{fault.kind} {fault.target}")
            return
        process.send(signal.SIGKILL)
        killed_at = time.time()
        self._note(fault)
        if await self._alive(fault.target, other_than=process) is None:
            self.missed.append(f"recovery of {fault.target}")
            return
        self.recoveries_s[fault.target].append(time.time() - killed_at)

    async def _pause(self, fault: Fault) -> None:
        process = await self._alive(fault.target)
        if process is None:
            self.missed.append(f"{fault.kind} {fault.target}")
            return
        self._paused.add(process)
        process.send(signal.SIGSTOP)
        self._note(fault)
        await asyncio.sleep(fault.for_s)
        process.send(signal.SIGCONT)
        self._paused.discard(process)

    async def _alive(
        self, name: str, *, other_than: ProcessIdentity | None = None
    ) -> ProcessIdentity | None:
        """The process of that name, waiting for one; None when none comes in time."""
        give_up_at = time.monotonic() + VICTIM_LIMIT_S
        while time.monotonic() < give_up_at:
            found = await asyncio.to_thread(find_leftovers, self.running_file)
            process = found.processes.get(name)
            if process is not None and process != other_than and _is_itself(process):
                return process
            await asyncio.sleep(LOOK_EVERY_S)
        return None

    def _note(self, fault: Fault) -> None:
        self.done[fault.kind, fault.target] += 1
        until = time.time() + fault.for_s
        self.ended_at = max(self.ended_at, until)
        self.log.write(kind=fault.kind, target=fault.target, until=until if fault.for_s else None)


def _is_itself(process: ProcessIdentity) -> bool:
    """Whether it has become the program it is meant to be: first it is a shim of the supervisor."""
    try:
        command = Path(f"/proc/{process.pid}/cmdline").read_bytes()
    except OSError:
        return False
    return b"tether.py" not in command
