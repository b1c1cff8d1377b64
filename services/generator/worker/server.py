"""uvicorn inside a worker process: told of signals, ended when the worker is done."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

_LAST_WORDS_S = 5
_WAITING_CLIENTS = 256


class AddressTaken(Exception):
    """Somebody else listens on this address, or it cannot be listened on."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises AddressTaken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_WAITING_CLIENTS)
    except OSError as exc:
        raise AddressTaken(f"{host}:{port}: {exc.strerror or exc}") from exc


class WorkerServer(uvicorn.Server):
    """Serves until `should_exit` is set. Signals are left to whoever started it."""

    def __init__(
        self,
        app: FastAPI,
        *,
        on_serving: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                access_log=False,
                log_config=None,
                log_level="warning",
                server_header=False,
                timeout_graceful_shutdown=_LAST_WORDS_S,
                lifespan="off",
                ws="none",
            )
        )
        self._on_serving = on_serving

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_serving()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # The original ends at once, and raises the signal again: a status that looks like a crash.
        yield
