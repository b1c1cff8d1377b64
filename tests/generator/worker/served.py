"""The worker's application behind a real socket, in the test's own loop."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from services.generator.sdxl.wishes import ImageEngine
from services.generator.worker.ending import Ending
from services.generator.worker.figures import Figures
from services.generator.worker.making import Making
from services.generator.worker.results import Results
from services.generator.worker.server import WorkerServer, listen
from services.generator.worker.web import ORDER, Door, application

TOKEN = "canary-worker-token"
LINK = "https://bucket.example/loras/ada.safetensors?X-Amz-Signature=canary-signature"
BODY_LIMIT = 16 * 1024


@dataclass
class Served:
    """A running worker, and somebody who asks it."""

    client: httpx2.AsyncClient
    port: int
    door: Door
    ending: Ending
    registry: CollectorRegistry

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def order(self, path: str = ORDER, **fields: object) -> httpx2.Response:
        return await self.client.post(path, json={"prompt": "a lake"} | fields)

    def counted(self, outcome: str) -> float:
        value = self.registry.get_sample_value("atelier_worker_orders_total", {"outcome": outcome})
        return value or 0.0


@asynccontextmanager
async def served(
    engine: ImageEngine,
    *,
    token: str | None = TOKEN,
    most: int = 36,
    results: Results | None = None,
    grace_s: float = 5.0,
) -> AsyncIterator[Served]:
    """Serve this engine as a worker process does, but for the process."""
    registry = CollectorRegistry()
    making = Making(engine, Figures(registry), most=most)
    door = Door(making, results or Results(most=8, keep_s=900), BODY_LIMIT)
    app = application(door, SecretStr(token) if token else None)
    sock = listen("127.0.0.1", 0)
    port = sock.getsockname()[1]
    ending, server = Ending(door, grace_s=grace_s), WorkerServer(app)
    serving = asyncio.create_task(_serve(server, ending, sock))
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx2.AsyncClient(
        base_url=f"http://127.0.0.1:{port}",
        headers=headers,
        timeout=10,
        trust_env=False,
        verify=False,  # certificates take a while to read, and nobody shows any
    ) as client:
        yield Served(client, port, door, ending, registry)
    ending.begin()
    ending.begin()
    await serving


async def _serve(server: WorkerServer, ending: Ending, sock: socket.socket) -> None:
    serving = asyncio.create_task(server.serve(sockets=[sock]))
    await ending.finished()
    server.should_exit = True
    await serving
