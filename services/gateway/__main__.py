"""Run the gateway: `python -m services.gateway`."""

import asyncio
import socket
import sys

import structlog

from services.gateway.adapters.http_server import AddressTaken, HttpServer, bind
from services.gateway.adapters.template_file import TemplateFileError
from services.gateway.app import open_app
from services.gateway.settings import GatewaySettings
from shared import logs
from shared.service import announce
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
        sock = bind(settings.gateway_host, settings.gateway_port)
    except AddressTaken as taken:
        sys.stderr.write(f"cannot listen on {taken}; choose another GATEWAY_PORT\n")
        raise SystemExit(EXIT_PORT_TAKEN) from None
    try:
        asyncio.run(_serve(settings, sock))
    except TemplateFileError as exc:
        raise fail_misconfigured("TEMPLATES_FILE", str(exc)) from None
    finally:
        sock.close()


async def _serve(settings: GatewaySettings, sock: socket.socket) -> None:
    async with open_app(settings) as gateway:

        def serving() -> None:
            announce("READY=1")
            log.info("service.ready", url=settings.base_url)

        server = HttpServer(
            gateway.api,
            on_serving=serving,
            on_stopping=lambda: announce("STOPPING=1"),
            stop_waiting=gateway.completions.stop_waiting,
        )
        await server.serve(sockets=[sock])
    log.info("service.stopped")


if __name__ == "__main__":
    main()
