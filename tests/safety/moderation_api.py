"""A server that speaks `POST /v1/moderations` as its documentation has it, with faults on demand.

https://developers.openai.com/api/docs/api-reference/moderations
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TEXT_ONLY = (
    *("harassment", "harassment/threatening", "hate", "hate/threatening"),
    *("illicit", "illicit/violent", "sexual/minors"),
)
BOTH = (
    *("self-harm", "self-harm/instructions", "self-harm/intent"),
    *("sexual", "violence", "violence/graphic"),
)

Body = dict[str, Any]
Spoil = Callable[[Body], object]


@dataclass
class Fault:
    """What goes wrong with one request."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    spoil: Spoil | None = None
    body: bytes | None = None
    hangs: bool = False


@dataclass
class ModerationApi:
    """Answers by `scores`; meets each request with the next of `faults`, or `always` with one."""

    url: str = ""
    scores: dict[str, float] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    always: Fault | None = None
    requests: list[Body] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def next_fault(self) -> Fault:
        if self.faults:
            return self.faults.pop(0)
        return self.always or Fault()

    def answer(self, request: Body) -> Body:
        """As the documentation has it: what no input was given for scores 0 and applies to none."""
        kinds = {"image" if part["type"] == "image_url" else "text" for part in request["input"]}
        applied = {
            **{name: sorted(kinds & {"text"}) for name in TEXT_ONLY},
            **{name: sorted(kinds) for name in BOTH},
        }
        scores = {name: self.scores.get(name, 1e-6) if applied[name] else 0.0 for name in applied}
        flags = {name: score > 0.5 for name, score in scores.items()}
        result = {
            "flagged": any(flags.values()),
            "categories": flags,
            "category_scores": scores,
            "category_applied_input_types": applied,
        }
        return {"id": "modr-1", "model": "omni-moderation-2024-09-26", "results": [result]}


@contextmanager
def moderation_api() -> Iterator[ModerationApi]:
    """The server, on a port of its own."""
    api = ModerationApi()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            api.requests.append({"path": self.path, **request})
            api.keys.append(self.headers["authorization"])
            self.reply(api.next_fault(), request)

        def reply(self, fault: Fault, request: Body) -> None:
            if fault.hangs:
                api.stopped.wait(30)
                return
            answer = api.answer(request)
            if fault.spoil is not None:
                fault.spoil(answer)
            if fault.status != 200:
                answer = {"error": {"message": "no", "type": "error", "code": None, "param": None}}
            body = json.dumps(answer).encode() if fault.body is None else fault.body
            self.send_response(fault.status)
            for name, text in {"content-type": "application/json", **fault.headers}.items():
                self.send_header(name, text)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    api.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield api
    finally:
        api.stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()
