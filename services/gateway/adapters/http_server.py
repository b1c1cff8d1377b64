"""uvicorn inside a service process: one socket, a clean end, exit status 0 on SIGTERM."""

import asyncio
import os
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

FINISH_WITHIN_S = 15
# Idle clients learn from their next answer that the connection ends; closing at once would cut off
# the request that one of them is just sending.
LINGER_S = 1.0
_LINGER_CHECK_S = 0.05
# Waiting requests are told to come back while there is still time to tell them.
STOP_WAITING_AFTER_S = 10.0


_MOST_FILES = 65_536
_INHERITED = 3
"""Where sd_listen_fds(3) has the first socket."""


class AddressTaken(Exception):
    """Somebody else listens on this address, or it cannot be listened on."""


def allow_many_clients() -> None:
    """Raise the limit of open files, which counts connections, as far as the system lets us."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def inherited() -> socket.socket | None:
    """The listening socket of whoever started us, by sd_listen_fds(3); it outlives us there."""
    meant_for_us = os.environ.get("LISTEN_PID") == str(os.getpid())
    if not meant_for_us or os.environ.get("LISTEN_FDS") != "1":
        return None
    os.set_inheritable(_INHERITED, False)  # noqa: FBT003 - the library's own order
    return socket.socket(fileno=_INHERITED)


def bind(host: str, port: int) -> socket.socket:
    """A socket that holds the address; who connects is kept waiting. Raises AddressTaken."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = socket.socket(family, kind, protocol)
    except OSError as exc:
        raise AddressTaken(f"{host}:{port}: {exc.strerror or exc}") from exc
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        # Two sockets may be bound to one address as long as neither listens.
        sock.listen(0)
    except OSError as exc:
        sock.close()
        raise AddressTaken(f"{host}:{port}: {exc.strerror or exc}") from exc
    return sock


class HttpServer(uvicorn.Server):
    """Serves an application and tells when it is up and when it begins to end."""

    def __init__(
        self,
        app: FastAPI,
        *,
        on_serving: Callable[[], None],
        on_stopping: Callable[[], None],
        stop_waiting: Callable[[], None],
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                access_log=False,
                log_config=None,
                log_level="warning",
                server_header=False,
                timeout_graceful_shutdown=FINISH_WITHIN_S,
                lifespan="off",
            )
        )
        self._on_serving = on_serving
        self._on_stopping = on_stopping
        self._stop_waiting = stop_waiting

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_serving()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        self._on_stopping()
        asyncio.get_running_loop().call_later(STOP_WAITING_AFTER_S, self._stop_waiting)
        await self._linger()
        await super().shutdown(sockets)

    async def _linger(self) -> None:
        """Answer who still asks on an open connection, and end it with that answer."""
        state = self.server_state
        state.default_headers = [*state.default_headers, (b"connection", b"close")]
        for _ in range(round(LINGER_S / _LINGER_CHECK_S)):
            if not state.connections:
                return
            await asyncio.sleep(_LINGER_CHECK_S)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # The original raises the signal again afterwards, which would end the process before
        # its connections are closed and with a status that looks like a crash.
        for each in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(each, self.handle_exit, each, None)
        yield
