"""What the door shows of tasks to their owner."""

import asyncio
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

from tests.audit.servers import CannotJudge, Servers

AT_ONCE = 4
ANSWER_LIMIT_S = 10.0
BUSY_LIMIT_S = 60.0
MICROS = 1_000_000


@dataclass(frozen=True, slots=True)
class ShownTask:
    """A task as its owner sees it."""

    task_id: str
    state: str
    total: int
    counts: Mapping[str, int]
    cost_usd_micros: int


async def read_shown(servers: Servers, task_ids: Iterable[str]) -> tuple[ShownTask, ...]:
    """Ask the door for every task. Empty without a door; tasks it does not know are left out.

    Raises CannotJudge.
    """
    if servers.door_url is None:
        return ()
    turns = asyncio.Semaphore(AT_ONCE)

    async def ask(task_id: str) -> ShownTask | None:
        async with turns:
            return await asyncio.to_thread(_shown, servers, task_id)

    found = await asyncio.gather(*(ask(task_id) for task_id in task_ids))
    return tuple(task for task in found if task is not None)


def _shown(servers: Servers, task_id: str) -> ShownTask | None:
    until = time.monotonic() + BUSY_LIMIT_S
    while True:
        try:
            return _read(_get(servers, f"/api/v1/content/tasks/{task_id}"))
        except HTTPError as exc:
            if exc.code == 404:
                return None
            if exc.code not in {429, 503} or time.monotonic() > until:
                raise CannotJudge(f"the door answers {exc.code}") from None
            time.sleep(min(float(exc.headers.get("Retry-After") or 1), 5.0))
        except (URLError, OSError, ValueError, KeyError) as exc:
            raise CannotJudge(f"the door: {type(exc).__name__}") from exc


def _get(servers: Servers, path: str) -> Mapping[str, Any]:
    request = Request(f"{servers.door_url}{path}", headers={"X-API-Key": servers.api_key or ""})
    direct = build_opener(ProxyHandler({}))
    with direct.open(request, timeout=ANSWER_LIMIT_S) as answer:
        whole: Mapping[str, Any] = json.load(answer)
    return whole


def _read(task: Mapping[str, Any]) -> ShownTask:
    return ShownTask(
        task_id=task["task_id"],
        state=task["state"],
        total=task["total"],
        counts=task["counts"],
        cost_usd_micros=round(task["cost_usd"] * MICROS),
    )
