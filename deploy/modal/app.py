"""The image worker on Modal: `modal deploy -m deploy.modal.app` (deploy/modal/README.md)."""

import os
from pathlib import Path
from typing import Any

import modal
from fastapi import FastAPI

from deploy.modal.plan import CACHE, carried, plan
from shared import logs

REQUIREMENTS = Path(__file__).parents[2] / "requirements"
LONGEST_ORDER_S = 300
_LOCKED = "--require-hashes --no-deps --only-binary :all: --no-binary nkeys"
_SPARE_S = 30
_START_S = 1200
_CALLS_AT_A_TIME = 100

deployed = plan()
app = modal.App(deployed.app, include_source=False)
secret = modal.Secret.from_name(deployed.secret, required_keys=["WORKER_API_TOKEN"])
volume = modal.Volume.from_name(deployed.volume, create_if_missing=True)


def _image(lock: str, *more: str) -> modal.Image:
    image = modal.Image.debian_slim(python_version="3.11")
    for name in more:
        image = image.pip_install_from_requirements(str(REQUIREMENTS / name))
    image = image.pip_install_from_requirements(str(REQUIREMENTS / lock), extra_options=_LOCKED)
    return image.env(carried()).add_local_python_source("services", "shared", "deploy")


gpu_image = _image("generator-sdxl.txt", "torch.txt")
door_image = _image("gateway.txt")


@app.cls(
    image=gpu_image,
    gpu=list(deployed.gpu),
    secrets=[secret],
    volumes={CACHE: volume},
    timeout=LONGEST_ORDER_S + _SPARE_S,
    startup_timeout=_START_S,
    min_containers=deployed.min_containers,
    max_containers=deployed.max_containers,
    scaledown_window=deployed.scaledown_seconds,
    enable_memory_snapshot=deployed.snapshot,
    experimental_options={"enable_gpu_snapshot": deployed.snapshot},
)
# Orders share the steps of a batch: one that is alone on its GPU pays for all places.
@modal.concurrent(max_inputs=deployed.orders_at_a_time, target_inputs=deployed.batch)
class ImageWorker:
    """One GPU, many orders at a time."""

    @modal.enter(snap=deployed.snapshot)
    async def open(self) -> None:
        """Load the model and make a first picture; with a snapshot, once for all containers."""
        from deploy.modal.container import Container  # noqa: PLC0415 - only GPU images have torch

        logs.configure(service="worker", level=os.environ.get("LOG_LEVEL", "info"), structured=True)
        self.container = await Container.opened()

    @modal.asgi_app()
    def web(self) -> FastAPI:
        """`POST /generate-image` and `GET /health`."""
        return self.container.web()

    @modal.method()
    async def generate(self, order: dict[str, Any]) -> dict[str, Any]:
        """The same, for functions."""
        return await self.container.generate(order)

    @modal.exit()
    async def close(self) -> None:
        """Let go of the device."""
        await self.container.close()


@app.function(
    image=door_image,
    timeout=LONGEST_ORDER_S + _SPARE_S + _START_S,
    scaledown_window=deployed.scaledown_seconds,
)
@modal.concurrent(max_inputs=_CALLS_AT_A_TIME)
async def generate_image(order: dict[str, Any]) -> dict[str, Any]:
    """The function form: `MODAL_SDXL_LORA_ENDPOINT_ID=atelier-worker/generate_image`."""
    answer: dict[str, Any] = await ImageWorker().generate.remote.aio(order)
    return answer


@app.function(image=door_image, secrets=[secret], scaledown_window=deployed.scaledown_seconds)
@modal.concurrent(max_inputs=_CALLS_AT_A_TIME)
@modal.asgi_app()
def queue() -> FastAPI:
    """The polling form: `MODAL_MODE=async` with this address and `/generate-image`."""
    from pydantic import SecretStr  # noqa: PLC0415

    from deploy.modal.job_queue import application  # noqa: PLC0415
    from deploy.modal.spawned import SpawnedCalls  # noqa: PLC0415

    return application(SpawnedCalls(generate_image), SecretStr(os.environ["WORKER_API_TOKEN"]))
