"""A vendor's server on a socket of ours, which answers as it is told, badly if need be."""

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

Trouble = Literal["", "hangs", "resets", "drips", "is cut"]


@dataclass(frozen=True)
class Asked:
    """One request, as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass(frozen=True)
class Reply:
    """One answer, and what goes wrong with it."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    trouble: Trouble = ""

    @classmethod
    def of(cls, value: object, status: int = 200) -> "Reply":
        return cls(status, json.dumps(value).encode())


HTML = Reply(200, b"<html>busy</html>", content_type="text/html")


class Server(ThreadingHTTPServer):
    """Asks `answer` for every reply, each request in a thread of its own."""

    daemon_threads = True

    def __init__(self, answer: Callable[[Asked], Reply]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer = answer
        self.stopped = threading.Event()

    def handle_error(self, *_: object) -> None:
        """Whoever asked has gone."""


class Handler(BaseHTTPRequestHandler):
    """Reads requests whole, and replies well or badly."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.server.answer(Asked(self.command, self.path, headers, body))
        self.close_connection = bool(reply.trouble)
        match reply.trouble:
            case "hangs":
                self.server.stopped.wait(30)
            case "resets":
                self._reset()
            case _:
                self._send(reply)

    def do_POST(self) -> None:
        self.do_GET()

    def _reset(self) -> None:
        # Closing now sends a reset instead of an end.
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        self.send_header("content-type", reply.content_type)
        self.send_header("content-length", str(len(reply.body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        match reply.trouble:
            case "is cut":
                self.wfile.write(reply.body[: len(reply.body) // 2])
            case "drips":
                self._drip(reply.body)
            case _:
                self.wfile.write(reply.body)

    def _drip(self, body: bytes) -> None:
        for place in range(len(body)):
            self.wfile.write(body[place : place + 1])
            if self.server.stopped.wait(0.02):
                return

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def vendor_server(answer: Callable[[Asked], Reply]) -> Iterator[str]:
    """The origin at which `answer` is asked."""
    server = Server(answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()
