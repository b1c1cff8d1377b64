"""Run the image worker: `python -m services.generator.worker`, or `atelier worker`."""

import asyncio
import os
import signal
import socket
import sys
import threading
from typing import NoReturn

import structlog

from services.generator.app.sdxl import open_engine
from services.generator.app.sdxl_loading import LOADING_THREAD, CannotLoad, LoadingEngine
from services.generator.settings.worker import WorkerSettings
from services.generator.worker.ending import Ending
from services.generator.worker.opening import door_to
from services.generator.worker.server import AddressTaken, WorkerServer, listen
from services.generator.worker.web import Door, application
from shared import logs
from shared.metrics import metrics
from shared.service import announce
from shared.settings import fail_misconfigured, load_settings

log = structlog.get_logger(__name__)


def main() -> int:
    """The whole life of a worker process."""
    settings = load_settings(WorkerSettings)
    logs.configure(
        service="worker", level=settings.log_level, structured=settings.enable_structured_logging
    )
    try:
        sock = listen(settings.worker_host, settings.worker_port)
    except AddressTaken as taken:
        raise fail_misconfigured("WORKER_PORT", f"cannot listen on {taken}") from None
    with sock:
        return asyncio.run(_serve(settings, sock))


async def _serve(settings: WorkerSettings, sock: socket.socket) -> int:
    with metrics(settings) as registry:
        async with open_engine(settings, registry) as engine:
            door = door_to(engine, settings, registry)
            return await _until_the_end(settings, door, engine, sock)


async def _until_the_end(
    settings: WorkerSettings, door: Door, engine: LoadingEngine, sock: socket.socket
) -> int:
    ending = Ending(door, grace_s=settings.worker_grace_seconds)
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, ending.begin)
    app = application(door, settings.worker_api_token)
    server = WorkerServer(app, on_serving=lambda: _tell_address(settings, sock))
    serving = asyncio.create_task(server.serve(sockets=[sock]))
    serving.add_done_callback(lambda _: ending.begin())
    loading = asyncio.create_task(_load(engine, ending))
    await ending.finished()
    server.should_exit = True
    await serving
    loading.cancel()
    return loading.result() if loading.done() and not loading.cancelled() else 0


async def _load(engine: LoadingEngine, ending: Ending) -> int:
    """Tell when the model is there; a worker that gets none ends. The exit status it asks for."""
    try:
        await engine.loaded()
    except CannotLoad as exc:
        ending.begin()
        return int(fail_misconfigured(exc.key, exc.detail).code or 0)
    announce("READY=1")
    health = engine.health()
    log.info("service.ready", model=health.model, device=health.device, state=health.state)
    return 0


def _tell_address(settings: WorkerSettings, sock: socket.socket) -> None:
    host, port = sock.getsockname()[:2]
    log.info("worker.listening", host=host, port=port)
    if settings.is_open_to_anybody:
        log.warning("worker.open_to_anybody", remedy="set WORKER_API_TOKEN")


def _leave(status: int) -> NoReturn:
    sys.stdout.flush()
    sys.stderr.flush()
    if any(thread.name == LOADING_THREAD for thread in threading.enumerate()):
        # Nothing ends a thread that reads a model, and nothing of ours is left undone.
        os._exit(status)
    sys.exit(status)


if __name__ == "__main__":
    _leave(main())
