"""A system beside Atelier, with the rights that others have on its broker."""

import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4, uuid5

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg

from tests.e2e.system import System
from tests.eventually import eventually

TASK_IDS = UUID("777cfe6e-e69a-4b01-8299-42efef3979dd")
PIECE_FACTS = (
    "image.generated",
    "content.hooked",
    "content.moderated",
    "content.stored",
    "content.persisted",
)


def task_id_of(identity: str) -> str:
    """As a sender computes it from the documentation."""
    return str(uuid5(TASK_IDS, f"default|{identity}"))


def environment(atelier: System) -> dict[str, str]:
    """Where the broker is and who we are, as the documentation has it."""
    endpoint = atelier.endpoint
    return {"NATS_URL": endpoint["nats_url"], "NATS_NKEY": endpoint["nats_seed_files"]["outside"]}


@dataclass
class Neighbour:
    """A system that knows nothing but the contract."""

    nc: Client
    heard: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    async def listen(self, task_id: str) -> None:
        """Hear of everything that happens to a task."""
        of_task = f"default.{task_id}"
        for subject in (
            f"task.accepted.{of_task}",
            f"task.refused.{of_task}.*",
            f"task.completed.{of_task}",
            f"content.requested.*.{of_task}.*.*",
            *(f"{fact}.{of_task}.*.*" for fact in PIECE_FACTS),
        ):
            await self.nc.subscribe(subject, cb=self._hear)
        await self.nc.flush()

    async def publish(
        self, subject: str, body: object, headers: dict[str, str] | None = None
    ) -> int:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return (await self.nc.jetstream().publish(subject, raw, headers=headers)).seq

    async def ask(self, order: dict[str, Any], key: str, **members: Any) -> dict[str, Any]:
        """Order by a key and give the answer, `task.accepted` or `task.refused`."""
        task_id = task_id_of(f"key:{key}")
        await self.listen(task_id)
        body = {"idempotency_key": key, "order": order, **members}
        await self.publish(f"task.requested.default.{uuid4()}", body)
        answers = await self.until("task.accepted", "task.refused", task_id=task_id)
        return answers[-1]

    async def until(self, *facts: str, task_id: str, timeout_s: float = 60) -> list[dict[str, Any]]:
        """What was heard of these facts about a task, once there is any."""

        def found() -> list[dict[str, Any]]:
            return [b for fact, b in self.heard if fact in facts and b["task_id"] == task_id]

        await eventually(found, timeout_s)
        return found()

    def counts(self, task_id: str) -> Counter[str]:
        """How often each fact about a task was heard."""
        return Counter(fact for fact, body in self.heard if body["task_id"] == task_id)

    async def _hear(self, message: Msg) -> None:
        fact = ".".join(message.subject.split(".")[:2])
        assert (message.headers or {})["ce-type"] == f"atelier.{fact}.v1"
        self.heard.append((fact, json.loads(message.data)))


@asynccontextmanager
async def connected(atelier: System) -> AsyncIterator[Neighbour]:
    settings = environment(atelier)
    nc = await nats.connect(
        settings["NATS_URL"], nkeys_seed=settings["NATS_NKEY"], inbox_prefix="_INBOX_outside"
    )
    yield Neighbour(nc)
    await nc.close()
