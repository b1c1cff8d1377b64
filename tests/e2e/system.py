"""A whole Atelier of real processes, as an operator starts it, and a client for it."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import nats
from nats.js import JetStreamContext

from deploy.local.processes import tethered

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60
"""For what takes a second where nothing else runs."""
FINAL = {"completed", "failed", "cancelled"}


@dataclass
class System:
    """A running Atelier: where it is, and what a test wants to know of it."""

    data: Path
    client: httpx2.Client

    @property
    def endpoint(self) -> dict[str, Any]:
        endpoint: dict[str, Any] = json.loads((self.data / "endpoint.json").read_text())
        return endpoint

    def pid(self, name: str) -> int:
        """Process id of a service replica right now, for example of `generator`."""
        deadline = time.monotonic() + PATIENCE_S
        while not (pids := self._pids(name)):  # for a moment a killed one has no successor
            assert time.monotonic() < deadline, f"no {name}"
            time.sleep(0.05)
        return pids[0]

    def replaced(self, name: str, killed: int) -> bool:
        """Whether a process of the service runs, and the killed one is not listed any more."""
        pids = self._pids(name)
        return bool(pids) and killed not in pids

    def _pids(self, name: str) -> list[int]:
        pids: dict[str, int] = self.endpoint["pids"]
        return [pid for key, pid in pids.items() if key.split(".")[0] == name]

    def avatar(self, **overrides: object) -> str:
        """Create an avatar and give its id."""
        fields = {
            "name": "Ada",
            "niche": "fitness",
            "base_prompt": "portrait of a woman in her thirties",
            "lora_weights_url": "loras/ada.safetensors",
            "likeness": {"kind": "synthetic"},
            "adult_attested_at": "2026-01-01T00:00:00Z",
        }
        answer = self.client.post("/avatars", json=fields | overrides)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def order(self, avatar_id: str, num_pieces: int, **overrides: object) -> str:
        """Order a batch and give the task's id; sent again while nobody confirms, as clients do."""
        body = {"avatar_id": avatar_id, "num_pieces": num_pieces, "platform": "instagram"}
        key = {"Idempotency-Key": uuid.uuid4().hex}
        deadline = time.monotonic() + PATIENCE_S
        while True:
            answer = self.client.post("/content/batch", json=body | overrides, headers=key)
            if answer.status_code != 503 or time.monotonic() > deadline:
                break
            time.sleep(0.2)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["task_id"])

    def task(self, task_id: str) -> dict[str, Any]:
        """The task as it stands; a part that is restarting is asked again, as clients do."""
        deadline = time.monotonic() + PATIENCE_S
        path = f"/content/tasks/{task_id}"
        while (answer := self.client.get(path)).status_code == 503:
            assert answer.headers["retry-after"]
            assert time.monotonic() < deadline, answer.text
            time.sleep(0.1)
        assert answer.status_code == 200, answer.text
        task: dict[str, Any] = answer.json()
        return task

    def finished(self, task_id: str, timeout_s: float = 2 * PATIENCE_S) -> dict[str, Any]:
        """The task once it has ended."""
        deadline = time.monotonic() + timeout_s
        while (task := self.task(task_id))["state"] not in FINAL:
            assert time.monotonic() < deadline, f"not finished in {timeout_s} s: {task}"
            time.sleep(0.1)
        return task

    def wait_until(
        self, task_id: str, stage: str, count: int, timeout_s: float = PATIENCE_S
    ) -> None:
        """Return when `count` pieces have come as far as `stage`."""
        deadline = time.monotonic() + timeout_s
        while self.task(task_id)["counts"][stage] < count:
            assert time.monotonic() < deadline, self.task(task_id)
            time.sleep(0.02)

    async def rows(self, query: str, *args: object) -> list[Mapping[str, Any]]:
        """Plain SQL, beside the product."""
        connection = await asyncpg.connect(self.endpoint["database_url"])
        try:
            return [dict(row) for row in await connection.fetch(query, *args)]
        finally:
            await connection.close()

    async def subjects(self, stream: str) -> dict[str, int]:
        """Messages in a stream by subject, read from the broker itself."""
        nc = await nats.connect(
            self.endpoint["nats_url"],
            nkeys_seed=self.endpoint["nats_seed_files"]["operator"],
            inbox_prefix="_INBOX_operator",
        )
        try:
            js: JetStreamContext = nc.jetstream()
            info = await js.stream_info(stream, subjects_filter=">")
            return dict(info.state.subjects or {})
        finally:
            await nc.close()


@contextmanager
def running(
    data: Path,
    *arguments: str,
    module: str = "deploy.local",
    product: str = str(ROOT),
    **settings: str,
) -> Iterator[System]:
    """Start an Atelier in `data` with these settings, and stop it at the end."""
    data.parent.mkdir(parents=True, exist_ok=True)
    log = data.with_name(f"{data.name}.log")
    command = [sys.executable, "-m", module, "up", "--json", "--data", str(data), *arguments]
    with log.open("ab") as stderr:
        atelier = subprocess.Popen(
            # Whoever kills us stops it.
            tethered(command, death_signal=signal.SIGTERM),
            # A module is looked for in the working directory first.
            cwd=product,
            env={**os.environ, "PYTHONPATH": product, **settings},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        )
    try:
        yield from _serving(atelier, data, log)
    finally:
        atelier.terminate()
        assert atelier.wait(timeout=2 * PATIENCE_S) == 0, log.read_text()[-5000:]


def _serving(atelier: subprocess.Popen[bytes], data: Path, log: Path) -> Iterator[System]:
    assert atelier.stdout is not None
    with atelier.stdout as stdout:
        endpoint = json.loads(stdout.readline() or b"null")
    assert endpoint is not None, log.read_text()[-5000:]
    with httpx2.Client(
        base_url=f"{endpoint['url']}/api/v1",
        headers={"X-API-Key": endpoint["api_key"]},
        timeout=60,
        trust_env=False,
    ) as client:
        yield System(data, client)
