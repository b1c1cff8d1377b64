"""`atelier worker`: serve images from this machine's own device."""

import importlib.util
import os
import sys

import typer

from cli.output import fail

# It is the generator's own code that serves; a command is a client and holds none of it.
_WORKER = "services.generator.worker"
_NEEDED = (_WORKER, "fastapi", "uvicorn", "torch", "diffusers", "transformers", "safetensors")


def worker(
    host: str | None = typer.Option(None, help="Address to listen on; as WORKER_HOST."),
    port: int | None = typer.Option(None, min=0, max=65535, help="Port; as WORKER_PORT."),
) -> None:
    """Make images on this machine's GPU for whoever asks over HTTP.

    Settings are read from the environment: SDXL_MODEL, SDXL_DEVICE, WORKER_API_TOKEN and more
    (docs/worker.md). Gateway and broker are not needed. Ctrl-C ends it after running orders.
    """
    if missing := [part for part in _NEEDED if not _is_here(part)]:
        fail(
            f"the worker is not installed here: {missing[0]} is missing",
            next_step="pip install 'atelier[generator-sdxl]'",
        )
    told = {"WORKER_HOST": host, "WORKER_PORT": None if port is None else str(port)}
    environment = os.environ | {name: value for name, value in told.items() if value is not None}
    sys.stdout.flush()
    command = [sys.executable, "-m", _WORKER]
    os.execve(sys.executable, command, environment)  # noqa: S606 - no shell is wanted


def _is_here(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
