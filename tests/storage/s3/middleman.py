"""A server between us and the store, which makes trouble as it is told."""

import http.client
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import urlsplit

How = Literal["answers", "resets", "hangs", "halves", "strips", "fails afterwards"]
_WRITES = {"PUT", "DELETE"}
_OF_A_HOP = {"connection", "transfer-encoding", "content-length", "server", "date"}


@dataclass(frozen=True)
class Trouble:
    """What goes wrong with a request.

    answers: an error of the store. resets: in the middle of the body. halves: half of the body
    arrives. strips: headers are lost. fails afterwards: it is done, and nobody hears of it.
    """

    how: How
    status: int = 503
    code: str = "SlowDown"
    headers: tuple[str, ...] = ()
    methods: tuple[str, ...] = ("GET", "HEAD", "PUT", "DELETE")


def said(status: int, code: str, *methods: str) -> Trouble:
    return Trouble("answers", status, code, methods=methods or Trouble("answers").methods)


@dataclass
class Seen:
    """One request, as it came."""

    method: str
    path: str
    headers: Mapping[str, str]


class Middleman(ThreadingHTTPServer):
    """Passes requests on unless `next` or `always` say otherwise."""

    daemon_threads = True

    def __init__(self, target: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target = urlsplit(target).netloc
        self.next: list[Trouble] = []
        self.always: Trouble | None = None
        self.seen: list[Seen] = []
        self.stopped = threading.Event()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def trouble(self, method: str) -> Trouble | None:
        if self.next and method in self.next[0].methods:
            return self.next.pop(0)
        return self.always if self.always and method in self.always.methods else None

    def asked(self, method: str) -> list[Seen]:
        return [each for each in self.seen if each.method == method]

    def handle_error(self, *_: object) -> None:
        """Whoever asked has gone."""


@contextmanager
def middleman(target: str) -> Iterator[Middleman]:
    """Before `target`, on a port of its own."""
    server = Middleman(target)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.stopped.set()
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class _Answer:
    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Middleman

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.seen.append(Seen(self.command, self.path, headers))
        trouble = self.server.trouble(self.command)
        match trouble.how if trouble else None:
            case "resets":
                return self._reset()
            case "hangs":
                self.server.stopped.wait(30)
                return self._reset()
        body = self.rfile.read(int(headers.get("content-length", 0)))
        if trouble and trouble.how == "answers":
            return self._send(_refusal(trouble))
        answer = self._forward(body, trouble)
        if trouble and trouble.how == "fails afterwards":
            return self._hang_up()
        return self._send(answer)

    do_HEAD = do_PUT = do_DELETE = do_POST = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Nothing: the test's own output is enough."""

    def _forward(self, body: bytes, trouble: Trouble | None) -> _Answer:
        lost = set(trouble.headers if trouble and trouble.how == "strips" else ())
        if trouble and trouble.how == "halves":
            body, lost = body[: len(body) // 2], {"x-amz-checksum-sha256"}
        lost |= {"content-length", "connection", "expect"}
        headers = {k: v for k, v in self.headers.items() if k.lower() not in lost}
        upstream = http.client.HTTPConnection(self.server.target, timeout=20)
        upstream.request(self.command, self.path, body=body or None, headers=headers)
        got = upstream.getresponse()
        data = got.read()
        kept = [(k, v) for k, v in got.getheaders() if k.lower() not in _OF_A_HOP]
        length = got.getheader("content-length") if self.command == "HEAD" else str(len(data))
        upstream.close()
        return _Answer(got.status, [*kept, ("content-length", length or "0")], data)

    def _send(self, answer: _Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def _reset(self) -> None:
        self.rfile.read(min(1000, int(self.headers.get("content-length", 0))))
        self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


def _refusal(trouble: Trouble) -> _Answer:
    text = f"<Error><Code>{trouble.code}</Code><Message>canary-of-the-vendor</Message></Error>"
    body = text.encode()
    headers = [("content-type", "application/xml"), ("content-length", str(len(body)))]
    return _Answer(trouble.status, headers, body)
