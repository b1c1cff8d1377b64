"""Keep one process of a service running: start, listen, start again, stop."""

import asyncio
import contextlib
import os
import signal
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.errors import CannotRun
from deploy.local.output import LineSink, open_lines
from deploy.local.processes import tethered
from deploy.local.readiness import ReadinessSocket

EXIT_BAD_CONFIGURATION = 2
STOP_GRACE_S = 20.0
RESTART_DELAYS_S: tuple[float, ...] = (0.1, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0)
STEADY_AFTER_S = 10.0
MOST_EARLY_DEATHS = 3
KEPT_LINES = 40
LAST_WORDS_TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class Service:
    """What to run as a service, and how often.

    `environment` is asked before every start. `listener` is a listening socket that every process
    inherits, by the number of its descriptor.
    """

    name: str
    command: tuple[str, ...]
    environment: Callable[[], Mapping[str, str]]
    replicas: int = 1
    is_door: bool = False  # stopped before all others, so that no new work comes in
    listener: int | None = None


class ServiceFailed(CannotRun):
    """A service ended before it was ready; the message ends with its last lines."""

    def __init__(self, name: str, why: str, last_lines: list[str]) -> None:
        words = "\n".join(f"  {name} | {line}" for line in last_lines)
        super().__init__(f"{name} {why}" + (f":\n{words}" if words else "; it printed nothing"))


class Replica:
    """One process of `service`, restarted when it crashes until `stop()`."""

    def __init__(
        self,
        service: Service,
        number: int,
        *,
        runtime_dir: Path,
        sink: LineSink,
        on_start: Callable[[str, int], None],
        on_end: Callable[[str], None],
    ) -> None:
        self.service = service
        self.number = number
        self.name = service.name if service.replicas == 1 else f"{service.name}.{number}"
        self.has_been_ready = asyncio.Event()
        self._runtime_dir = runtime_dir
        self._sink = sink
        self._on_start = on_start
        self._on_end = on_end
        self._stopping = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self._last_lines: deque[str] = deque(maxlen=KEPT_LINES)

    async def run(self) -> None:
        """Run until `stop()`; raises ServiceFailed when it never gets ready."""
        deaths_in_a_row = early_deaths = 0
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            began = loop.time()
            code = await self._live_once()
            if self._stopping.is_set():
                return
            if not self.has_been_ready.is_set():
                early_deaths += 1
                self._give_up_early(code, early_deaths)
            deaths_in_a_row = 0 if loop.time() - began > STEADY_AFTER_S else deaths_in_a_row
            delay = RESTART_DELAYS_S[min(deaths_in_a_row, len(RESTART_DELAYS_S) - 1)]
            deaths_in_a_row += 1
            self._say(f"ended {_described(code)}; starting again in {delay:g} s")
            await self._pause(delay)

    async def stop(self, grace_s: float = STOP_GRACE_S) -> None:
        """Ask the process to finish, then kill it after `grace_s`."""
        self._stopping.set()
        process = self._process
        if process is None:
            return
        _signal(process, signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), grace_s)
        except TimeoutError:
            self._say(f"did not stop within {grace_s:g} s; killed")
            _signal(process, signal.SIGKILL)
            await process.wait()

    def kill(self) -> None:
        """Kill the process now."""
        if self._process is not None:
            _signal(self._process, signal.SIGKILL)

    def failed(self, why: str) -> ServiceFailed:
        """Describe a failure of this replica together with its last lines."""
        return ServiceFailed(self.name, why, list(self._last_lines))

    async def _live_once(self) -> int:
        readiness = ReadinessSocket(self._runtime_dir / f"{self.name}.sock")
        environment = {
            **self.service.environment(),
            "NOTIFY_SOCKET": str(readiness.path),
        }
        listener = asyncio.ensure_future(self._hear(readiness))
        try:
            return await self._run_process(environment)
        finally:
            listener.cancel()
            readiness.close()

    async def _run_process(self, environment: Mapping[str, str]) -> int:
        # A pipe of our own: asyncio's would keep `wait()` from returning for as long as any
        # grandchild holds it open.
        read_end, write_end = os.pipe()
        listener = self.service.listener
        try:
            process = await asyncio.create_subprocess_exec(
                *tethered(self.service.command, listener=listener),
                env=dict(environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=write_end,
                stderr=write_end,
                pass_fds=() if listener is None else (listener,),
                start_new_session=True,
            )
        finally:
            os.close(write_end)
        self._process = process
        self._on_start(self.name, process.pid)
        if self._stopping.is_set():
            _signal(process, signal.SIGTERM)
        reader = asyncio.ensure_future(self._copy_output(read_end))
        try:
            code = await process.wait()
            await asyncio.wait([reader], timeout=LAST_WORDS_TIMEOUT_S)
        finally:
            _signal(process, signal.SIGKILL)
            reader.cancel()
            self._process = None
            self._on_end(self.name)
        return code

    async def _copy_output(self, read_end: int) -> None:
        async with open_lines(read_end) as said:
            async for line in said:
                self._say(line)

    async def _hear(self, readiness: ReadinessSocket) -> None:
        await readiness.ready.wait()
        self.has_been_ready.set()

    def _give_up_early(self, code: int, early_deaths: int) -> None:
        if code == EXIT_BAD_CONFIGURATION:
            raise self.failed("does not accept its configuration")
        if early_deaths >= MOST_EARLY_DEATHS:
            raise self.failed(f"ended {early_deaths} times before it was ready")

    async def _pause(self, delay_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), delay_s)

    def _say(self, line: str) -> None:
        self._last_lines.append(line)
        self._sink.write(self.name, line)


def _signal(process: asyncio.subprocess.Process, signal_number: signal.Signals) -> None:
    if process.returncode is None:
        process.send_signal(signal_number)


def _described(code: int) -> str:
    if code < 0:
        return f"by signal {signal.Signals(-code).name}"
    return f"with exit code {code}"
