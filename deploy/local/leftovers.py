"""What a supervisor has started, written down so that a crash leaves nothing in the way."""

import asyncio
import shutil
import signal
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.private_files import read_private_json, write_private_json
from deploy.local.processes import ProcessIdentity, stop_process
from deploy.local.runtime_dir import PREFIX

GRACE_S = 10.0
# Postgres reads SIGTERM as "wait for every client to leave".
STOP_SIGNALS = {"postgres": signal.SIGINT}


@dataclass(slots=True)
class RunningRecord:
    """The processes and the socket directory of one supervisor, kept in `path` at every change."""

    path: Path
    runtime_dir: Path | None = None
    processes: dict[str, ProcessIdentity] = field(default_factory=dict)

    def started(self, name: str, pid: int) -> None:
        """Write down that `name` now runs as `pid`."""
        identity = ProcessIdentity.of(pid)
        if identity is not None:
            self.processes[name] = identity
            self.save()

    def ended(self, name: str) -> None:
        """Strike `name` out."""
        if self.processes.pop(name, None) is not None:
            self.save()

    def pids(self) -> dict[str, int]:
        """Process ids by name."""
        return {name: process.pid for name, process in self.processes.items()}

    def save(self) -> None:
        """Replace the file."""
        write_private_json(
            self.path,
            {
                "runtime_dir": str(self.runtime_dir or ""),
                "processes": {
                    name: [process.pid, process.started] for name, process in self.processes.items()
                },
            },
        )

    def clear(self) -> None:
        """Remove the file: nothing of ours runs any more."""
        self.processes.clear()
        self.path.unlink(missing_ok=True)


def find_leftovers(path: Path) -> RunningRecord:
    """Read what an earlier supervisor wrote, keeping only processes that still run."""
    record = RunningRecord(path)
    written = read_private_json(path) or {}
    runtime_dir, processes = written.get("runtime_dir"), written.get("processes")
    if isinstance(runtime_dir, str) and Path(runtime_dir).name.startswith(PREFIX):
        record.runtime_dir = Path(runtime_dir)
    if isinstance(processes, dict):
        found = {name: ProcessIdentity(pid, start) for name, (pid, start) in processes.items()}
        record.processes = {name: each for name, each in found.items() if each.is_alive()}
    return record


async def stop_leftovers(path: Path) -> list[str]:
    """Stop and remove what a dead supervisor left; give the names of what still ran.

    Only for the holder of the data directory's lock.
    """
    record = find_leftovers(path)
    names = list(record.processes)
    await asyncio.gather(
        *(
            stop_process(process, STOP_SIGNALS.get(name, signal.SIGTERM), grace_s=GRACE_S)
            for name, process in record.processes.items()
        )
    )
    if record.runtime_dir is not None:
        shutil.rmtree(record.runtime_dir, ignore_errors=True)
    record.clear()
    return names
