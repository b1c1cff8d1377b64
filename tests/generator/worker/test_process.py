"""A worker as a process of its own, on a tiny SDXL, asked over HTTP and by our own client."""

import base64
import hashlib
import io
import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import httpx2
import numpy as np
import pytest
from PIL import Image
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from safetensors.numpy import save

from services.generator.adapters.modal.http import Pace
from services.generator.adapters.modal.provider import ModalProvider
from services.generator.adapters.vendor_http import vendor_client
from tests.builders import brief
from tests.eventually import eventually
from tests.generator.modal.orders import PRICE, made_by
from tests.ports import free_port

ROOT = Path(__file__).parents[3]
TOKEN = "canary-worker-token"
SMALL = {"prompt": "a lake", "width": 512, "height": 512, "steps": 20, "seed": 7}
_LISTENING = re.compile(r'"port": (\d+).*"worker.listening"|"worker.listening".*"port": (\d+)')
_LIMIT_S = 90.0


def a_lora() -> bytes:
    """Weights for one linear of the tiny UNet, in the form that diffusers' trainers write."""
    name = "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q"
    noise = np.random.default_rng(1)
    pair = {"lora_A": (4, 8), "lora_B": (8, 4)}
    return bytes(
        save(
            {
                f"{name}.{half}.weight": noise.standard_normal(shape, np.float32) * 3
                for half, shape in pair.items()
            }
        )
    )


@dataclass
class Running:
    """The process, and all that it has said so far."""

    process: "subprocess.Popen[str]"
    said: list[str] = field(default_factory=list)
    lines: "queue.Queue[str]" = field(default_factory=queue.Queue)
    port: int = 0
    metrics_port: int = 0

    def read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            for line in lines:
                self.said.append(line)
                self.lines.put(line)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self) -> httpx2.Client:
        return httpx2.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=_LIMIT_S,
            trust_env=False,
        )

    def is_ready(self, client: httpx2.Client) -> bool:
        assert self.process.poll() is None, "".join(self.said)
        try:
            return client.get("/health").status_code == 200
        except httpx2.TransportError:
            return False  # it has ended, and the next look tells why

    def is_drawing(self, client: httpx2.Client) -> bool:
        return bool(client.get("/health").json()["queue"]["running"])

    def heard_port(self) -> int:
        while True:
            if found := _LISTENING.search(self.lines.get(timeout=_LIMIT_S)):
                return int(found[1] or found[2])


@pytest.fixture(scope="module")
def first_look() -> dict[str, Any]:
    """What the worker's health was when it had just begun to listen."""
    return {}


@pytest.fixture(scope="module")
def worker(first_look: dict[str, Any]) -> Iterator[Running]:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "WORKER_PORT": "0",
        "WORKER_API_TOKEN": TOKEN,
        "METRICS_PORT": str(metrics_port := free_port()),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.generator.worker.tiny_worker"],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    running = Running(process, metrics_port=metrics_port)
    reading = threading.Thread(target=running.read)
    reading.start()
    try:
        running.port = running.heard_port()
        with running.client() as client:
            first_look["status"] = client.get("/health").status_code
            first_look["told"] = client.get("/health").json()
        yield running
    finally:
        process.kill()
        process.wait()
        reading.join()


@pytest.fixture(scope="module")
def store() -> Iterator[HTTPServer]:
    """Where the avatar's weights lie."""
    with HTTPServer(host="127.0.0.1", port=0) as server:
        server.expect_request("/ada.safetensors").respond_with_data(a_lora())
        yield server


@pytest.fixture(scope="module")
def link(store: HTTPServer) -> str:
    return store.url_for("/ada.safetensors?signature=canary-signature")


async def test_it_listens_before_it_has_its_model(
    worker: Running, first_look: dict[str, Any]
) -> None:
    assert (first_look["status"], first_look["told"]["status"]) == (503, "loading")
    with worker.client() as client:
        await eventually(lambda: worker.is_ready(client), _LIMIT_S, every_s=0.1)
        told = client.get("/health").json()
    assert (told["status"], told["device"]) == ("ready", "cpu")


def test_an_order_becomes_an_image_with_the_avatars_weights(worker: Running, link: str) -> None:
    with worker.client() as client:
        answer = client.post("/generate-image", json=SMALL | {"lora_url": link}).json()
    image = Image.open(io.BytesIO(base64.b64decode(answer["image_base64"])))
    assert (image.format, image.mode, image.size) == ("PNG", "RGB", (512, 512))
    assert answer["model_info"]["lora_version"] == hashlib.sha256(a_lora()).hexdigest()[:12]
    assert answer["metadata"] == {"seed_used": 7, "actual_steps": 20, "actual_cfg": 5.5}


def test_weights_that_are_not_there_are_the_links_fault(worker: Running, store: HTTPServer) -> None:
    gone = store.url_for("/gone?signature=canary-signature")
    with worker.client() as client:
        answer = client.post("/generate-image", json=SMALL | {"lora_url": gone})
    assert (answer.status_code, answer.json()["error_code"]) == (502, "LORA_DOWNLOAD_FAILED")
    assert "canary" not in answer.text


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_our_own_client_gets_its_image(
    mode: Literal["sync", "async"],
    worker: Running,
    link: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")

    class Links:
        async def sign(self, key: str, *, fresh: bool = False) -> str:
            return link

    async with vendor_client(_LIMIT_S) as client:
        provider = ModalProvider(
            client,
            url=f"{worker.url}/generate-image",
            token=SecretStr(TOKEN),
            lora_links=Links(),
            timeout_s=_LIMIT_S,
            price=PRICE,
            mode=mode,
            pace=Pace(0.05),
        )
        made = await made_by(provider, order=brief(width=512, height=512, steps=20, seed=7))
    assert Image.open(io.BytesIO(made.data)).size == (512, 512)
    assert (made.seed, made.steps, made.lora_applied) == (7, 20, True)


def test_its_figures_are_served(worker: Running) -> None:
    told = httpx2.get(f"http://127.0.0.1:{worker.metrics_port}/metrics", trust_env=False).text
    assert 'atelier_sdxl_slot_requests_total{result="miss"} 1.0' in told
    assert 'atelier_worker_orders_total{outcome="made"}' in told
    assert 'atelier_sdxl_state{state="ready"} 1.0' in told
    assert "canary" not in told


async def test_a_signal_ends_it_in_peace_and_nothing_secret_was_said(worker: Running) -> None:
    with worker.client() as client, ThreadPoolExecutor(1) as pool:
        order = pool.submit(client.post, "/generate-image", json=SMALL)
        await eventually(lambda: order.done() or worker.is_drawing(client))
        worker.process.send_signal(signal.SIGTERM)
        assert order.result(_LIMIT_S).status_code == 200
    assert worker.process.wait(_LIMIT_S) == 0
    said = "".join(worker.said)
    # The libraries that write the tiny model speak as well.
    events = [json.loads(line)["event"] for line in worker.said if line.startswith("{")]
    assert events.count("worker.made") == 4
    assert "canary" not in said
