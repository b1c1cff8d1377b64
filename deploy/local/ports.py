"""The gateway's address: port 8080, or the next one that is free."""

import socket
from collections.abc import Mapping

from deploy.local.errors import CannotRun

FIRST_PORT = 8080
CANDIDATES = 200
EVERY_ADDRESS = ("0.0.0.0", "::", "")  # noqa: S104 - recognised, never our choice
WAITING_CLIENTS = 2048


class NoFreePort(CannotRun):
    """Every port that may be used is taken."""


def is_free(host: str, port: int) -> bool:
    """Tell whether a server could listen on `port` now."""
    listener = _listener(host, port)
    if listener is None:
        return False
    listener.close()
    return True


class DoorSocket:
    """Listens at the gateway's address from `open()` to `close()`.

    Every replica of the gateway inherits the socket: they share one port, and whoever connects
    while none of them runs waits instead of being refused.
    """

    def __init__(self, settings: Mapping[str, str]) -> None:
        self.host = settings.get("GATEWAY_HOST", "127.0.0.1")
        self._candidates = _candidates(settings.get("GATEWAY_PORT"))
        self._listener: socket.socket | None = None

    def open(self) -> None:
        """Take the first port that is free; raises NoFreePort."""
        for port in self._candidates:
            self._listener = _listener(self.host, port)
            if self._listener is not None:
                return
        first, last = self._candidates[0], self._candidates[-1]
        ports = f"port {first} is" if first == last else f"ports {first} to {last} are"
        raise NoFreePort(f"{ports} taken on {self.host}; set GATEWAY_PORT to a free one")

    def close(self) -> None:
        """Let go; clients are refused once the last replica has let go as well."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    @property
    def descriptor(self) -> int:
        """What the replicas inherit."""
        return self._open_listener().fileno()

    @property
    def port(self) -> int:
        """The port that was free."""
        port: int = self._open_listener().getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """The address as a client on this machine reaches it."""
        host = "127.0.0.1" if self.host in EVERY_ADDRESS else self.host
        bracketed = f"[{host}]" if ":" in host else host
        return f"http://{bracketed}:{self.port}"

    def _open_listener(self) -> socket.socket:
        if self._listener is None:
            raise CannotRun("the gateway's socket is not open")
        return self._listener


def _listener(host: str, port: int) -> socket.socket | None:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError:
        return None
    try:
        # Connections of an earlier start that linger in the kernel are no reason to refuse.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(WAITING_CLIENTS)
    except OSError:
        listener.close()
        return None
    return listener


def _candidates(wanted: str | None) -> range:
    if wanted is None:
        return range(FIRST_PORT, FIRST_PORT + CANDIDATES)
    if not wanted.isdigit() or not 0 < int(wanted) < 65536:
        raise CannotRun(f"GATEWAY_PORT={wanted}: write a port number, such as {FIRST_PORT}")
    return range(int(wanted), int(wanted) + 1)
