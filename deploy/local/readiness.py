"""Hear a service say that it is ready, by the sd_notify protocol."""

import asyncio
import contextlib
import socket
from pathlib import Path

READY = b"READY=1"
LARGEST_MESSAGE = 4096


class ReadinessSocket:
    """A datagram socket at `path`; `ready` is set once `READY=1` arrives there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ready = asyncio.Event()
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.settimeout(0)
        self._socket.bind(str(path))
        asyncio.get_running_loop().add_reader(self._socket, self._read)

    def close(self) -> None:
        """Stop listening and remove the socket."""
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        self.path.unlink(missing_ok=True)

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while message := self._socket.recv(LARGEST_MESSAGE):
                if READY in message.split(b"\n"):
                    self.ready.set()
