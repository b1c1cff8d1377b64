"""The stub worker as a process of its own."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks._processes import running
from benchmarks.provider.connection import HOST
from benchmarks.provider.image import SMALL_PX

_START_LIMIT_S = 60.0
_LOOK_EVERY_S = 0.02


@dataclass(frozen=True, slots=True)
class Provider:
    """A worker that takes requests at `url`."""

    url: str
    pid: int


@asynccontextmanager
async def running_worker(
    *, image_px: int = SMALL_PX, takes_s: float = 0.0, slots: int = 0
) -> AsyncIterator[Provider]:
    """Start a worker that gives squares of `image_px` pixels, and stop it at the end."""
    with TemporaryDirectory(prefix="atelier-worker-") as directory:
        port_file, log_file = Path(directory) / "port", Path(directory) / "log"
        options = ("--image", image_px, "--seconds", takes_s, "--slots", slots)
        command = [
            *(sys.executable, "-m", "benchmarks.provider", "--port-file", str(port_file)),
            *(str(option) for option in options),
        ]
        with running(command, environment=os.environ, log_file=log_file) as pid:
            port = await asyncio.to_thread(_port, port_file, log_file)
            yield Provider(f"http://{HOST}:{port}/generate-image", pid)


@asynccontextmanager
async def running_faulty(
    *, fails: float, stalls: float, takes_s: float, seed: int
) -> AsyncIterator[str]:
    """Start a provider with such manners, and stop it at the end; gives its origin."""
    with TemporaryDirectory(prefix="atelier-provider-") as directory:
        port_file, log_file = Path(directory) / "port", Path(directory) / "log"
        options = ("--fails", fails, "--stalls", stalls, "--seconds", takes_s, "--seed", seed)
        command = [
            *(sys.executable, "-m", "benchmarks.provider.faulty", "--port-file", str(port_file)),
            *(str(option) for option in options),
        ]
        with running(command, environment=os.environ, log_file=log_file):
            port = await asyncio.to_thread(_port, port_file, log_file)
            yield f"http://{HOST}:{port}"


def _port(port_file: Path, log_file: Path) -> int:
    """The port, as soon as it is told. Raises TimeoutError with what the worker said instead."""
    for _ in range(round(_START_LIMIT_S / _LOOK_EVERY_S)):
        if port_file.exists():
            return int(port_file.read_text())
        time.sleep(_LOOK_EVERY_S)
    raise TimeoutError(f"no worker: {log_file.read_text()}")
