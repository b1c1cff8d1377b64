"""Find a port for the gateway: 8080, or the next one that is free."""

import socket
from collections.abc import Mapping

from deploy.local.errors import CannotRun

FIRST_PORT = 8080
CANDIDATES = 200
EVERY_ADDRESS = ("0.0.0.0", "::", "")  # noqa: S104 - recognised, never our choice


class NoFreePort(CannotRun):
    """Every port that may be used is taken."""


def is_free(host: str, port: int) -> bool:
    """Tell whether a server could listen on `port` now."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as candidate:
            candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            candidate.bind(address)
    except OSError:
        return False
    return True


class GatewayPorts:
    """Chooses a port for each replica of the gateway and keeps it once the gateway has it.

    Between our look and the gateway's bind somebody else may take the port; the gateway then
    ends, `lost_race` says so, and the next choice is another port.
    """

    def __init__(self, settings: Mapping[str, str]) -> None:
        self.host = settings.get("GATEWAY_HOST", "127.0.0.1")
        wanted = settings.get("GATEWAY_PORT")
        self._candidates = (
            range(FIRST_PORT, FIRST_PORT + CANDIDATES)
            if wanted is None
            else range(int(wanted), int(wanted) + 1)
        )
        self._chosen: dict[int, int] = {}
        self._held: set[int] = set()

    def choose(self, replica: int) -> int:
        """Give the port for `replica`; raises NoFreePort."""
        if replica in self._held:
            return self._chosen[replica]
        others = {port for each, port in self._chosen.items() if each != replica}
        for port in self._candidates:
            if port not in others and is_free(self.host, port):
                self._chosen[replica] = port
                return port
        first, last = self._candidates[0], self._candidates[-1]
        ports = f"port {first} is" if first == last else f"ports {first} to {last} are"
        raise NoFreePort(f"{ports} taken on {self.host}; set GATEWAY_PORT to a free one")

    def lost_race(self, replica: int) -> bool:
        """Tell whether `replica` ended because somebody else took its port."""
        return replica not in self._held and not is_free(self.host, self._chosen[replica])

    def keep(self) -> None:
        """From now on every replica has its port: a restart uses the same."""
        self._held = set(self._chosen)

    def url(self, replica: int = 1) -> str:
        """Address of a replica, as a client on this machine reaches it."""
        host = "127.0.0.1" if self.host in EVERY_ADDRESS else self.host
        bracketed = f"[{host}]" if ":" in host else host
        return f"http://{bracketed}:{self._chosen[replica]}"
