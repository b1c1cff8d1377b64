"""Find a port for the gateway: 8080, or the next one that is free."""

import socket
import sys
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
    """Chooses a port for each replica of the gateway; it stays the same over restarts.

    A claim keeps other Ateliers on this machine from choosing the same. Any other program may
    still take the port before the gateway binds it: then the gateway ends, `lost_race` says so,
    and the next choice is another port.
    """

    def __init__(self, settings: Mapping[str, str]) -> None:
        self.host = settings.get("GATEWAY_HOST", "127.0.0.1")
        self._candidates = _candidates(settings.get("GATEWAY_PORT"))
        self._chosen: dict[int, int] = {}
        self._claims: dict[int, socket.socket] = {}
        self._settled = False

    def choose(self, replica: int) -> int:
        """Give the port for `replica`; raises NoFreePort."""
        if replica in self._chosen and (self._settled or not self.lost_race(replica)):
            return self._chosen[replica]
        others = {port for each, port in self._chosen.items() if each != replica}
        for port in self._candidates:
            if port not in others and is_free(self.host, port) and self._claim(port):
                self._chosen[replica] = port
                return port
        first, last = self._candidates[0], self._candidates[-1]
        ports = f"port {first} is" if first == last else f"ports {first} to {last} are"
        raise NoFreePort(f"{ports} taken on {self.host}; set GATEWAY_PORT to a free one")

    def lost_race(self, replica: int) -> bool:
        """Tell whether somebody else took the port of `replica`, which does not run now."""
        return not self._settled and not is_free(self.host, self._chosen[replica])

    def settle(self) -> None:
        """From now on every replica has its port, whatever happens."""
        self._settled = True

    def release(self) -> None:
        """Give the claims back."""
        for claim in self._claims.values():
            claim.close()
        self._claims.clear()

    def url(self, replica: int = 1) -> str:
        """Address of a replica, as a client on this machine reaches it."""
        host = "127.0.0.1" if self.host in EVERY_ADDRESS else self.host
        bracketed = f"[{host}]" if ":" in host else host
        return f"http://{bracketed}:{self._chosen[replica]}"

    def _claim(self, port: int) -> bool:
        """Hold a name that says that `port` is ours; the kernel frees it when we end."""
        if sys.platform != "linux" or port in self._claims:
            return True  # other systems have no such names; there the lost race is noticed
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            claim.bind(f"\0atelier-port-{port}")
        except OSError:
            claim.close()
            return False
        self._claims[port] = claim
        return True


def _candidates(wanted: str | None) -> range:
    if wanted is None:
        return range(FIRST_PORT, FIRST_PORT + CANDIDATES)
    if not wanted.isdigit() or not 0 < int(wanted) < 65536:
        raise CannotRun(f"GATEWAY_PORT={wanted}: write a port number, such as {FIRST_PORT}")
    return range(int(wanted), int(wanted) + 1)
