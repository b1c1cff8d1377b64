"""Somebody without a key who asks for everything he can name, throughout the run."""

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random

import httpx2

from tests.chaos.client import AcceptedTask
from tests.chaos.evidence import JsonLines
from tests.chaos.leaks import Leak
from tests.chaos.names import guesses, leaked, piece_ids, staging_guesses

KEPT_FOR_AGAIN = 5_000
SHARE_AGAIN = 0.25


@dataclass(slots=True)
class Prober:
    """Asks over `http`, which sends no key, for one address every `every_s`.

    Whatever was new is asked for first; in between, things asked for before are asked for again.
    """

    http: httpx2.AsyncClient
    log: JsonLines
    random: Random
    every_s: float
    probes: int = 0
    readable: int = 0
    _new: deque[str] = field(default_factory=deque)
    _old: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_FOR_AGAIN))
    _known_tasks: set[str] = field(default_factory=set)

    def learn_tasks(self, tasks: Iterable[AcceptedTask]) -> None:
        """Add what can be named of tasks not known so far."""
        for task in tasks:
            if task.task_id not in self._known_tasks:
                self._known_tasks.add(task.task_id)
                for piece_id in piece_ids(task.task_id, task.num_pieces):
                    self._new.extend(guesses(task.avatar_id, piece_id))

    def learn_leaks(self, leaks: Iterable[Leak]) -> None:
        """Add what can be named by somebody to whom hashes and keys have leaked."""
        for leak in leaks:
            if leak.staged is not None:
                self._new.extend(staging_guesses(leak.avatar_id, leak.piece_id, leak.staged))
            self._new.extend(leaked(*leak.keys))

    async def run(self, tasks: dict[str, AcceptedTask]) -> None:
        """Probe until cancelled, learning new tasks from `tasks`."""
        while True:
            self.learn_tasks(list(tasks.values()))
            await self._probe_one()
            await asyncio.sleep(self.every_s)

    async def _probe_one(self) -> None:
        again = bool(self._old) and (not self._new or self.random.random() < SHARE_AGAIN)
        if again:
            await self.probe(self.random.choice(self._old))
        elif self._new:
            # The newest first: what is being made right now is what must not be seen yet.
            path = self._new.pop()
            await self.probe(path)
            self._old.append(path)

    async def probe(self, path: str) -> None:
        """Ask for one address and write down what came."""
        try:
            response = await self.http.get(path)
        except (httpx2.TransportError, httpx2.InvalidURL):
            return  # the door was away: nothing was shown
        self.probes += 1
        shown = response.content if response.status_code == 200 else b""
        self.readable += bool(shown)
        self.log.write(
            url=path.partition("?")[0],
            status=response.status_code,
            bytes=len(response.content),
            sha256=sha256(shown).hexdigest() if shown else None,
            under_verdict=None,
        )
