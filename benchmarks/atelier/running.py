"""A whole Atelier to be measured: started as an operator starts it, spoken to as a client does."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import asyncpg
import httpx2

from benchmarks._processes import ROOT, output_of
from benchmarks.atelier.ends import Ends, following
from benchmarks.atelier.usage import Usage, usage_by_name
from benchmarks.provider.running import Provider

GENERATOR_CONCURRENCY = 16
"""Calls at a time. More do not make it faster where calls take no time."""

MOST_PIECES = 500
"""Of one order."""

_BUSY = {429, 503}
_PATIENCE_S = 30.0
_COMMANDS = "benchmarks.atelier"
_AVATAR = {
    "name": "Ada",
    "niche": "fitness",
    "base_prompt": "portrait of a woman in her thirties",
    "lora_weights_url": "loras/ada.safetensors",
    "likeness": {"kind": "synthetic"},
    "adult_attested_at": "2026-01-01T00:00:00Z",
}


class OrderRefused(Exception):
    """The door took no order; the message is what it said."""


@dataclass(frozen=True, slots=True)
class Atelier:
    """A running Atelier and one avatar in it."""

    endpoint: Mapping[str, Any]
    client: httpx2.AsyncClient
    ends: Ends
    avatar_id: str
    worker_pid: int

    async def order(self, pieces: int) -> str:
        """Order a batch and give the task's id; its pieces are accepted for good.

        A door that is busy is asked again, by the same key. Raises OrderRefused.
        """
        body = {"avatar_id": self.avatar_id, "num_pieces": pieces, "platform": "instagram"}
        headers = {"Idempotency-Key": uuid4().hex}
        give_up_at = time.monotonic() + _PATIENCE_S
        while True:
            answer = await self.client.post("/content/batch", json=body, headers=headers)
            if answer.status_code == 202:
                return str(answer.json()["task_id"])
            if answer.status_code not in _BUSY or time.monotonic() > give_up_at:
                raise OrderRefused(f"{answer.status_code} {answer.text}")
            await asyncio.sleep(float(answer.headers.get("Retry-After", 1)))

    async def order_many(self, pieces: int) -> None:
        """Order so many pieces, as few batches as may be."""
        for begun in range(0, pieces, MOST_PIECES):
            await self.order(min(MOST_PIECES, pieces - begun))

    def pid(self, name: str) -> int:
        """Process id of a part, for example `generator`."""
        pids: dict[str, int] = self.endpoint["pids"]
        return pids[name]

    async def briefs(self, count: int) -> list[dict[str, Any]]:
        """Some of the briefs that were ordered, as the ledger keeps them."""
        connection = await asyncpg.connect(self.endpoint["database_url"])
        try:
            rows = await connection.fetch("SELECT brief FROM pieces LIMIT $1", count)
        finally:
            await connection.close()
        return [json.loads(row["brief"]) for row in rows]

    def usage(self) -> dict[str, Usage]:
        """What each part has taken since it started, the worker and this client included."""
        clients = {"(worker)": self.worker_pid, "(client)": os.getpid()}
        return usage_by_name(self.endpoint["pids"] | clients, with_children=("postgres",))


@asynccontextmanager
async def running_atelier(
    provider: Provider,
    *,
    image_px: int,
    settings: Mapping[str, str] | None = None,
    scale: Mapping[str, int] | None = None,
) -> AsyncIterator[Atelier]:
    """Start an Atelier in a directory of its own whose images come from `provider`."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "AI_IMAGE_PROVIDER": "modal_sdxl_lora",
        "MODAL_ENDPOINT_URL": provider.url,
        "GENERATOR_CONCURRENCY": str(GENERATOR_CONCURRENCY),
        "BENCH_IMAGE_PX": str(image_px),
        "NO_PROXY": "127.0.0.1",
        **(settings or {}),
    }
    with TemporaryDirectory(prefix="atelier-bench-") as directory:
        data = str(Path(directory) / "data")
        replicas = [f"--scale={name}={count}" for name, count in (scale or {}).items()]
        up = ("up", "--detach", "--data", data, *replicas)
        await output_of(_COMMANDS, *up, environment=environment)
        try:
            endpoint = json.loads((Path(data) / "endpoint.json").read_text())
            async with _client(endpoint) as client, following(endpoint) as ends:
                avatar_id = await _avatar(client)
                yield Atelier(endpoint, client, ends, avatar_id, provider.pid)
        finally:
            await output_of(_COMMANDS, "down", "--data", data, environment=environment)


def _client(endpoint: Mapping[str, Any]) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        base_url=f"{endpoint['url']}/api/v1",
        headers={"X-API-Key": endpoint["api_key"]},
        timeout=60,
        trust_env=False,
    )


async def _avatar(client: httpx2.AsyncClient) -> str:
    answer = await client.post("/avatars", json=_AVATAR)
    if answer.status_code != 201:
        raise RuntimeError(f"no avatar: {answer.status_code} {answer.text}")
    return str(answer.json()["id"])
