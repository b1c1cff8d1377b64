"""A client that orders as documented: by a key, and again by the same key until it is accepted."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import httpx2

from tests.chaos.evidence import JsonLines
from tests.chaos.orders import Order

ANSWER_LIMIT_S = 45.0
LONGEST_PAUSE_S = 2.0
FIRST_PAUSE_S = 0.2
ACCEPTED = frozenset({200, 202, 504})
"""504 names the task: it goes on after the wait."""
TRY_AGAIN = frozenset({429, 503})
UNSURE = "not_confirmed"
"""The problem that names a task which may never have been accepted."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; no status when the connection broke."""

    status: int | None = None
    task_id: str | None = None
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class AcceptedTask:
    """A task that we were told of."""

    task_id: str
    avatar_id: str
    num_pieces: int


@dataclass(slots=True)
class LoadClient:
    """Places orders over `http`, whose base is the API's root, and writes down every answer."""

    http: httpx2.AsyncClient
    log: JsonLines
    avatar_ids: Sequence[str]
    accepted: dict[str, AcceptedTask] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)
    unexpected: list[str] = field(default_factory=list)

    async def place_all(self, orders: Sequence[Order]) -> None:
        """Place every order when its time has come; return when all have been accepted."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.TaskGroup() as group:
            for order in orders:
                await asyncio.sleep(began + order.at_s - loop.time())
                for _ in range(order.twins):
                    group.create_task(self._place(order))

    async def _place(self, order: Order) -> None:
        await self._insist(order)
        if order.again_after_s is not None:
            await asyncio.sleep(order.again_after_s)
            await self._insist(order)

    async def _insist(self, order: Order) -> None:
        avatar_id = self.avatar_ids[int(order.key, 16) % len(self.avatar_ids)]
        body, pause_s = order.body(avatar_id), FIRST_PAUSE_S
        while True:
            answer = await self._post(order, body)
            if answer.status in ACCEPTED and answer.task_id is not None:
                task = AcceptedTask(answer.task_id, avatar_id, len(order.labels))
                self.accepted[answer.task_id] = task
                return
            if answer.status is not None and answer.status not in TRY_AGAIN:
                self.unexpected.append(f"{order.path} {order.key}: {answer.status}")
                return
            wish_s = pause_s if answer.retry_after_s is None else answer.retry_after_s
            await asyncio.sleep(min(wish_s, LONGEST_PAUSE_S))
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    async def _post(self, order: Order, body: bytes) -> Answer:
        headers = {"Idempotency-Key": order.key, "Content-Type": "application/json"}
        try:
            response = await self.http.post(order.path, content=body, headers=headers)
            answer = _understood(response)
        except httpx2.TransportError:
            answer = Answer()
        self.answers["broken" if answer.status is None else str(answer.status)] += 1
        self.log.write(
            key=order.key,
            body_sha256=sha256(body).hexdigest(),
            status=answer.status,
            task_id=answer.task_id,
            num_pieces=len(order.labels),
        )
        return answer


def _understood(response: httpx2.Response) -> Answer:
    body: dict[str, Any] = {}
    if "json" in response.headers.get("content-type", ""):
        body = json.loads(response.content)
    task_id = None if body.get("code") == UNSURE else body.get("task_id")
    retry_after = response.headers.get("retry-after")
    return Answer(
        response.status_code, task_id, None if retry_after is None else float(retry_after)
    )
