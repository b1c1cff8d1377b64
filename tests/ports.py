"""Ports that are chosen now and bound later."""

import secrets
import socket

# Below those that the system gives to connections by itself, which come and go all the time.
LOWEST, HIGHEST = 20_000, 32_000


def free_port() -> int:
    """A port on the loopback that nobody uses, and that nobody is given unasked."""
    while True:
        port = LOWEST + secrets.randbelow(HIGHEST - LOWEST)
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
