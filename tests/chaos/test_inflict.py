"""Faults are done to the right processes, written down, and nothing stays paused."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from deploy.local.leftovers import RunningRecord
from tests.chaos.evidence import FAULTS, JsonLines, read_lines
from tests.chaos.inflict import Inflict
from tests.chaos.schedule import Fault
from tests.eventually import eventually


@dataclass
class Told:
    commands: list[dict[str, object]] = field(default_factory=list)

    async def tell(self, **command: object) -> None:
        self.commands.append(command)


class Victim:
    """A process that is there again after each death, as by a supervisor."""

    def __init__(self, record: RunningRecord, name: str) -> None:
        self._record = record
        self._name = name
        self.lives: list[subprocess.Popen[bytes]] = []

    def live(self) -> None:
        self.lives.append(subprocess.Popen([sys.executable, "-c", "input()"], stdin=-1))
        self._record.started(self._name, self.lives[-1].pid)

    @property
    def state(self) -> str:
        stat = Path(f"/proc/{self.lives[-1].pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0]

    def end(self) -> None:
        for process in self.lives:
            process.kill()
            process.communicate()

    async def keep_alive(self) -> None:
        while True:
            if self.lives[-1].poll() is not None:
                self.live()
            await asyncio.sleep(0.01)


@contextmanager
def victim(running_file: Path) -> Iterator[Victim]:
    it = Victim(RunningRecord(running_file), "hooks")
    it.live()
    try:
        yield it
    finally:
        it.end()


@asynccontextmanager
async def supervised(running_file: Path) -> AsyncIterator[Victim]:
    with victim(running_file) as it:
        keeper = asyncio.create_task(it.keep_alive())
        yield it
        keeper.cancel()


@pytest.fixture
def log(tmp_path: Path) -> Iterator[JsonLines]:
    lines = JsonLines(tmp_path / FAULTS)
    yield lines
    lines.close()


async def test_a_killed_process_is_seen_to_come_back(tmp_path: Path, log: JsonLines) -> None:
    async with supervised(tmp_path / "running.json") as hooks:
        inflict = Inflict(tmp_path / "running.json", Told(), log)
        await inflict.all([Fault(0, "kill", "hooks"), Fault(0.5, "kill", "hooks")])
    assert [process.returncode for process in hooks.lives[:2]] == [-signal.SIGKILL] * 2
    assert len(inflict.recoveries_s["hooks"]) == 2
    assert inflict.done["kill", "hooks"] == 2
    assert not inflict.missed
    lines = read_lines(tmp_path / FAULTS)
    assert [(line["kind"], line["target"], line["until"]) for line in lines] == [
        ("kill", "hooks", None)
    ] * 2
    assert inflict.ended_at == pytest.approx(lines[-1]["at"], abs=0.2)


async def test_a_paused_process_goes_on_afterwards(tmp_path: Path, log: JsonLines) -> None:
    with victim(tmp_path / "running.json") as hooks:
        inflict = Inflict(tmp_path / "running.json", Told(), log)
        running = asyncio.create_task(inflict.all([Fault(0, "pause", "hooks", for_s=0.3)]))
        await eventually(lambda: hooks.state == "T")
        await running
        await eventually(lambda: hooks.state != "T")


async def test_a_run_that_is_broken_off_leaves_nobody_paused(
    tmp_path: Path, log: JsonLines
) -> None:
    with victim(tmp_path / "running.json") as hooks:
        inflict = Inflict(tmp_path / "running.json", Told(), log)
        running = asyncio.create_task(inflict.all([Fault(0, "pause", "hooks", for_s=60)]))
        await eventually(lambda: hooks.state == "T")
        running.cancel()
        await asyncio.wait([running])
        await eventually(lambda: hooks.state != "T")


async def test_connections_are_disturbed_by_the_proxy(tmp_path: Path, log: JsonLines) -> None:
    proxy = Told()
    await Inflict(tmp_path / "running.json", proxy, log).all([Fault(0, "cut", "nats", 0.1)])
    assert proxy.commands == [{"route": "nats", "kind": "cut", "for_s": 0.1}]
