"""Run the gateway: `python -m services.gateway`."""

import asyncio
import signal
import socket
import sys
from typing import cast

import structlog

from services.gateway.adapters.http_server import (
    AddressTaken,
    HttpServer,
    allow_many_clients,
    bind,
    inherited,
)
from services.gateway.adapters.template_file import TemplateFileError
from services.gateway.app import open_app
from services.gateway.settings import GatewaySettings
from shared import logs
from shared.service import EXIT_DISCONNECTED, Service, announce
from shared.settings import fail_misconfigured, load_settings

EXIT_PORT_TAKEN = 3

log = structlog.get_logger(__name__)


def main() -> None:
    """The whole life of a gateway process."""
    settings = load_settings(GatewaySettings)
    logs.configure(
        service="gateway", level=settings.log_level, structured=settings.enable_structured_logging
    )
    try:
        sock = inherited() or bind(settings.gateway_host, settings.gateway_port)
    except AddressTaken as taken:
        sys.stderr.write(f"cannot listen on {taken}; choose another GATEWAY_PORT\n")
        raise SystemExit(EXIT_PORT_TAKEN) from None
    try:
        allow_many_clients()
        asyncio.run(_serve(settings, sock))
    except asyncio.CancelledError:
        log.info("service.stopped_before_it_began")
    except TemplateFileError as exc:
        raise fail_misconfigured("TEMPLATES_FILE", str(exc)) from None
    finally:
        sock.close()


async def _serve(settings: GatewaySettings, sock: socket.socket) -> None:
    # Until requests are served, a stop means: do not even begin.
    begin = cast("asyncio.Task[None]", asyncio.current_task())
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal_number, begin.cancel)
    async with open_app(settings) as gateway:

        def serving() -> None:
            announce("READY=1")
            log.info("service.ready", url=settings.base_url, stages=len(gateway.service.loops))

        leaving = asyncio.Event()
        server = HttpServer(
            gateway.api,
            on_serving=serving,
            on_stopping=leaving.set,
            stop_waiting=gateway.completions.stop_waiting,
        )
        lost = gateway.service.broker.lost
        await gateway.service.take_work()
        watch = asyncio.create_task(_stop_when(lost, server))
        # Both doors close at the same time: one after the other would take too long.
        stages = asyncio.create_task(_stop_stages_when(leaving, gateway.service))
        await server.serve(sockets=[sock])
        leaving.set()
        await stages
        watch.cancel()
        if lost.is_set():
            raise SystemExit(EXIT_DISCONNECTED)


async def _stop_stages_when(leaving: asyncio.Event, service: Service) -> None:
    await leaving.wait()
    await service.stop()


async def _stop_when(lost: asyncio.Event, server: HttpServer) -> None:
    await lost.wait()
    server.should_exit = True


if __name__ == "__main__":
    main()
