"""Clients of the API that do what its documents ask of them: a 503 or 429 is asked again later."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx2

from tests.e2e.system import System

AGAIN = frozenset({429, 503})


@dataclass
class Customers:
    """Clients over one pool of connections, and what they were answered."""

    http: httpx2.AsyncClient
    statuses: Counter[int] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    impolite: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    accepted: dict[str, int] = field(default_factory=dict)

    async def ask(self, method: str, path: str, **options: Any) -> httpx2.Response | None:
        """One request; None, and a mark in `errors`, when there was no answer."""
        began = time.monotonic()
        try:
            answer = await self.http.request(method, path, **options)
        except httpx2.HTTPError as exc:
            self.errors[type(exc).__name__] += 1
            return None
        finally:
            self.slowest_s = max(self.slowest_s, time.monotonic() - began)
        self.statuses[answer.status_code] += 1
        if answer.status_code in AGAIN and not _is_polite(answer):
            self.impolite.append(f"{method} {path}: {answer.status_code} {answer.text[:200]}")
        return answer

    async def order(self, avatar_id: str, num_pieces: int, *, pause_s: float = 0.2) -> str:
        """Order until it is accepted, by one key; the task's id."""
        body = {"avatar_id": avatar_id, "num_pieces": num_pieces, "platform": "instagram"}
        key = {"Idempotency-Key": str(uuid4())}
        while True:
            answer = await self.ask("POST", "/content/batch", json=body, headers=key)
            if answer is not None and answer.status_code == 202:
                task_id = str(answer.json()["task_id"])
                self.accepted[task_id] = num_pieces
                return task_id
            assert answer is None or answer.status_code in AGAIN, answer.text
            await asyncio.sleep(pause_s)

    @property
    def pieces(self) -> int:
        """How many were accepted."""
        return sum(self.accepted.values())


def _is_polite(answer: httpx2.Response) -> bool:
    return (
        answer.headers.get("content-type") == "application/problem+json"
        and answer.headers.get("retry-after", "").isdigit()
        and answer.json()["status"] == answer.status_code
    )


@asynccontextmanager
async def customers(system: System, *, timeout_s: float = 30.0) -> AsyncIterator[Customers]:
    """Clients with the first key."""
    endpoint = system.endpoint
    async with httpx2.AsyncClient(
        base_url=f"{endpoint['url']}/api/v1",
        headers={"X-API-Key": endpoint["api_key"]},
        timeout=timeout_s,
        trust_env=False,
    ) as http:
        yield Customers(http)
