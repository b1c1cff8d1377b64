"""Run every replica of every service, and the embedded servers, for as long as wanted."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

from deploy.local.errors import CannotRun
from deploy.local.leftovers import RunningRecord
from deploy.local.output import LineSink
from deploy.local.replica import RESTART_DELAYS_S, STEADY_AFTER_S, STOP_GRACE_S, Replica, Service
from deploy.local.servers import Server, ServerFailed

READY_TIMEOUT_S = 90.0
SERVER_CHECK_INTERVAL_S = 0.1
SLOW_DELAYS_S = RESTART_DELAYS_S[2:]

Restore = Callable[[], Awaitable[None]]


async def nothing_to_restore() -> None:
    """What a server has that keeps everything it needs."""


class Supervisor:
    """Starts services, restarts what crashes, and keeps `record` current."""

    def __init__(
        self,
        services: Iterable[Service],
        *,
        runtime_dir: Path,
        sink: LineSink,
        record: RunningRecord,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._sink = sink
        self._record = record
        self._on_change = on_change
        self._tasks: list[asyncio.Task[None]] = []
        self.replicas = [
            Replica(
                service,
                number,
                runtime_dir=runtime_dir,
                sink=sink,
                on_start=self._started,
                on_end=self._ended,
            )
            for service in services
            for number in range(1, service.replicas + 1)
        ]

    async def start(self, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Start all at once and return when each is ready; raises ServiceFailed."""
        self._tasks += [asyncio.create_task(replica.run()) for replica in self.replicas]
        everyone = asyncio.create_task(self._all_ready())
        awaited: list[asyncio.Future[Any]] = [everyone, *self._tasks]
        try:
            done, _ = await asyncio.wait(
                awaited,
                timeout=timeout_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if everyone in done:
                return
        finally:
            everyone.cancel()
        for task in done:
            await task  # raises what ended it
        late = next(each for each in self.replicas if not each.has_been_ready.is_set())
        raise late.failed(f"was not ready within {timeout_s:g} s")

    async def _all_ready(self) -> None:
        for replica in self.replicas:
            await replica.has_been_ready.wait()

    def guard(self, name: str, server: Server, restore: Restore = nothing_to_restore) -> None:
        """Start `server` again whenever it has died, and `restore` what it may have lost."""
        self._started(name, server.pid)
        self._tasks.append(asyncio.create_task(self._keep_running(name, server, restore)))

    async def ended_by_itself(self) -> None:
        """Wait until supervision fails, and raise why; it never ends well by itself."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            await task

    async def stop(self, grace_s: float = STOP_GRACE_S) -> None:
        """Stop the doors, then everything else, each within `grace_s`, then give up guarding."""
        for doors_first in (True, False):
            chosen = [each for each in self.replicas if each.service.is_door is doors_first]
            await asyncio.gather(*(each.stop(grace_s) for each in chosen))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def kill(self) -> None:
        """Kill every service at once; for somebody who waits in `stop()` already."""
        for replica in self.replicas:
            replica.kill()

    async def _keep_running(self, name: str, server: Server, restore: Restore) -> None:
        loop = asyncio.get_running_loop()
        delays_s = RESTART_DELAYS_S
        await _gone(server)
        while True:
            await self._revive(name, server, delays_s)
            revived_at = loop.time()
            async with asyncio.TaskGroup() as group:
                restoring = group.create_task(self._restore(name, restore))
                await _gone(server)
                restoring.cancel()
            steady = loop.time() - revived_at > STEADY_AFTER_S
            delays_s = RESTART_DELAYS_S if steady else SLOW_DELAYS_S

    async def _revive(self, name: str, server: Server, delays_s: tuple[float, ...]) -> None:
        for delay_s in delays_s:
            self._sink.write(name, f"is gone; starting it again in {delay_s:g} s")
            await asyncio.sleep(delay_s)
            try:
                await server.start()
            except ServerFailed as exc:
                self._sink.write(name, str(exc))
            else:
                self._started(name, server.pid)
                return
        raise ServerFailed(f"{name} died and did not start again")

    async def _restore(self, name: str, restore: Restore) -> None:
        for delay_s in itertools.chain(RESTART_DELAYS_S, itertools.repeat(RESTART_DELAYS_S[-1])):
            try:
                await restore()
            except CannotRun as exc:
                self._sink.write(name, str(exc))
                await asyncio.sleep(delay_s)
            else:
                return

    def _started(self, name: str, pid: int) -> None:
        self._record.started(name, pid)
        self._on_change()

    def _ended(self, name: str) -> None:
        self._record.ended(name)
        self._on_change()


async def _gone(server: Server) -> None:
    while True:
        if not server.running:
            return
        await asyncio.sleep(SERVER_CHECK_INTERVAL_S)
