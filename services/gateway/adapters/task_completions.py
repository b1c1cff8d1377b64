"""Hears `task.completed` for everybody who waits: one subscription for the whole process."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from nats.aio.client import Client
from nats.aio.msg import Msg

from shared.events import TaskCompleted
from shared.topology import Topology


class HeardCompletions:
    """Wakes those who wait for a task. Facts written to a stream reach plain subscribers too."""

    def __init__(self) -> None:
        self._waiting: defaultdict[tuple[str, str], set[asyncio.Event]] = defaultdict(set)
        self._stopping = False

    async def listen(self, nc: Client, topology: Topology) -> None:
        """Subscribe; the client renews the subscription after every reconnect."""
        await nc.subscribe(topology.subjects(TaskCompleted), cb=self._hear)

    @property
    def is_stopping(self) -> bool:
        return self._stopping

    @property
    def waiting(self) -> int:
        """How many tasks are waited for at this moment."""
        return len(self._waiting)

    @contextmanager
    def watch(self, tenant: str, task_id: str) -> Iterator[asyncio.Event]:
        key = (tenant, task_id)
        ended = asyncio.Event()
        if self._stopping:
            ended.set()
        self._waiting[key].add(ended)
        try:
            yield ended
        finally:
            self._waiting[key].discard(ended)
            if not self._waiting[key]:
                del self._waiting[key]

    def stop_waiting(self) -> None:
        """Wake everybody, for the process is about to end."""
        self._stopping = True
        for events in self._waiting.values():
            for ended in events:
                ended.set()

    async def _hear(self, message: Msg) -> None:
        tenant, task_id = message.subject.rsplit(".", 2)[-2:]
        for ended in self._waiting.get((tenant, task_id), ()):
            ended.set()
