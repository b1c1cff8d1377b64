"""Replicate's predictions as its documentation has them, with faults on demand.

https://replicate.com/docs/reference/http
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.generator.replicate.vendor_server import Asked, Reply, vendor_server
from tests.generator.worker_stub import png

Kind = Literal["submit", "look", "cancel", "fetch"]


@dataclass
class Replicate:
    """Every prediction goes through `states`, one a look; the last one stays.

    Those of `fates`, by id, go through states of their own.
    """

    origin: str = ""
    states: list[dict[str, Any]] = field(default_factory=list)
    fates: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    first: dict[str, Any] = field(default_factory=lambda: {"status": "starting"})
    image: bytes | None = None
    faults: dict[Kind, list[Reply]] = field(default_factory=dict)
    always: dict[Kind, Reply] = field(default_factory=dict)
    asked: list[tuple[Kind, Asked]] = field(default_factory=list)
    inputs: list[dict[str, Any]] = field(default_factory=list)
    looked: dict[str, int] = field(default_factory=dict)

    @property
    def base_url(self) -> str:
        return f"{self.origin}/v1"

    def of(self, kind: Kind) -> list[Asked]:
        return [one for each, one in self.asked if each == kind]

    def answer(self, asked: Asked) -> Reply:
        kind = _kind_of(asked)
        self.asked.append((kind, asked))
        if self.faults.get(kind):
            return self.faults[kind].pop(0)
        if kind in self.always:
            return self.always[kind]
        return self._well(kind, asked)

    def _well(self, kind: Kind, asked: Asked) -> Reply:
        match kind:
            case "submit":
                self.inputs.append(asked.json["input"])
                return Reply.of(self._prediction(f"p{len(self.inputs)}", self.first), 201)
            case "look":
                return Reply.of(self._look(asked.path.rpartition("/")[2]))
            case "cancel":
                return Reply.of(self._prediction("p1", {"status": "canceled"}))
            case "fetch":
                return Reply(200, self._image(), content_type="image/png")

    def _look(self, name: str) -> dict[str, Any]:
        place = self.looked.get(name, 0)
        self.looked[name] = place + 1
        states = self.fates.get(name) or self.states or [{"status": "processing"}, self.succeeded()]
        return self._prediction(name, states[min(place, len(states) - 1)])

    def succeeded(self, output: object = None) -> dict[str, Any]:
        return {
            "status": "succeeded",
            "output": f"{self.origin}/out/1.png" if output is None else output,
            "metrics": {"predict_time": 2.5, "image_count": 1},
        }

    def _prediction(self, name: str, state: dict[str, Any]) -> dict[str, Any]:
        # Whoever sends the token where an answer points sends it to a stranger.
        urls = {"get": "http://127.0.0.1:9/get", "cancel": "http://127.0.0.1:9/cancel"}
        return {
            "id": name,
            "model": "black-forest-labs/flux-1.1-pro",
            "version": "hidden",
            "input": {},
            "logs": "",
            "output": None,
            "error": None,
            "data_removed": False,
            "created_at": "2026-11-21T12:00:00.000Z",
            "metrics": {},
            "urls": urls,
            **state,
        }

    def _image(self) -> bytes:
        if self.image is not None:
            return self.image
        given = self.inputs[-1] if self.inputs else {}
        return png(given.get("width", 1024), given.get("height", 1024))


def _kind_of(asked: Asked) -> Kind:
    if asked.path.startswith("/out/"):
        return "fetch"
    if asked.method == "GET":
        return "look"
    return "cancel" if re.search(r"/cancel$", asked.path) else "submit"


@contextmanager
def replicate_stub() -> Iterator[Replicate]:
    """On a port of its own."""
    stub = Replicate()
    with vendor_server(stub.answer) as origin:
        stub.origin = origin
        yield stub
