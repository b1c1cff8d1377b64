"""The HTTP application over a backend in memory: no sockets, no broker."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import httpx2
import pytest
from fastapi import FastAPI

from services.gateway.adapters.api_keys import RememberedKeys
from services.gateway.adapters.object_directory import ObjectDirectory
from services.gateway.adapters.task_completions import HeardCompletions
from services.gateway.adapters.template_library import CachedLibrary
from services.gateway.app import application, lead_through
from services.gateway.domain.estimates import Rate
from services.gateway.handler.door import Door
from shared.topology import Topology
from tests.gateway.backend import KEY, NOW, TENANT, Backend

ORIGIN = "http://door.test"


@dataclass
class Wire:
    """A broker connection that delivers what the test says was published."""

    is_connected: bool = True
    listeners: list[tuple[str, Callable[[Any], Awaitable[None]]]] = field(default_factory=list)

    async def subscribe(self, subject: str, *, cb: Callable[[Any], Awaitable[None]]) -> None:
        self.listeners.append((subject, cb))

    async def completed(self, task_id: str, tenant: str = TENANT) -> None:
        """Publish `task.completed` of a task."""
        for _, listener in self.listeners:
            await listener(SimpleNamespace(subject=f"task.completed.{tenant}.{task_id}"))


@dataclass
class World:
    """Everything a test of the front door can arrange and look at."""

    backend: Backend
    wire: Wire
    completions: HeardCompletions
    door: Door
    objects: Path
    app: FastAPI

    def client(
        self, *, key: str | None = KEY, address: str = "127.0.0.1", **changes: Any
    ) -> httpx2.AsyncClient:
        """A client of a door with these changes; the one before leads there too from now on."""
        lead_through(replace(self.door, **changes), self.app)
        return httpx2.AsyncClient(
            transport=httpx2.ASGITransport(
                app=self.app, raise_app_exceptions=False, client=(address, 50_000)
            ),
            base_url=ORIGIN,
            headers={"X-API-Key": key} if key else {},
        )

    def put(self, area: str, key: str, data: bytes = b"image") -> None:
        """Put a file where storage would."""
        path = self.objects / area / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def finish_at_once(self) -> None:
        """Let every task be finished, and heard of, as soon as it is accepted."""

        async def finish(task: Any) -> None:
            self.backend.finish(task.task_id)
            await self.wire.completed(task.task_id)

        self.backend.on_accept = finish


@pytest.fixture(scope="session")
def app() -> FastAPI:
    """The application, built once: it takes longer than most tests."""
    return application()


@pytest.fixture
async def world(tmp_path: Path, app: FastAPI) -> World:
    """A front door on a backend in memory that knows one avatar, `ada`."""
    backend, wire, completions = Backend(), Wire(), HeardCompletions()
    backend.avatar()
    await completions.listen(wire, Topology())  # type: ignore[arg-type]
    ids = (str(UUID(int=number)) for number in count(1))
    door = Door(
        ask=backend,
        probe=backend,
        keys=RememberedKeys(backend),
        completions=completions,
        broker=wire,
        library=CachedLibrary(),
        files=ObjectDirectory(tmp_path),
        staging=backend.staging,
        now=lambda: NOW,
        new_id=lambda: next(ids),
        link_signing_key=b"k" * 32,
        public_base_url=ORIGIN,
        objects_base_url=f"{ORIGIN}/objects",
        rate=Rate(seconds=Decimal(6), usd=Decimal("0.01")),
        generate_timeout_s=5,
        health_cache_s=0,
    )
    return World(backend, wire, completions, door, tmp_path, app)


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    """A client with a valid key."""
    async with world.client() as client:
        yield client
