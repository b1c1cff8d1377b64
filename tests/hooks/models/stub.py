"""Both vendors' text models as their documentation has them, with faults on demand.

https://platform.claude.com/docs/en/api/messages
https://developers.openai.com/api/docs/api-reference/responses
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.generator.replicate.vendor_server import Asked, Reply, vendor_server

CANARY = "sk-canary-caption-key"
SECRET_WORDS = f"Incorrect key: {CANARY}. Something about https://canary.example"
WELL = "end_turn"

Document = dict[str, Any]
Obeys = Callable[[Document, str], object]
"""What a model writes, given the message's document and our instructions."""


def everybody(document: Document, instructions: str = "") -> Document:
    """An honest model: six captions for every picture, in the form asked for."""
    return {"pictures": [honest(each) for each in document["pictures"]]}


def honest(picture: Document) -> Document:
    seen = " ".join(picture["shows"].split()[:6])
    return {"id": picture["id"], "captions": [f"Thought {n}: {seen}." for n in range(6)]}


@dataclass
class TextModels:
    """Answers for both vendors, each at its own path, unless `faults` or `always` say otherwise."""

    origin: str = ""
    obeys: Obeys = everybody
    faults: list[Reply] = field(default_factory=list)
    always: Reply | None = None
    asked: list[Asked] = field(default_factory=list)

    @property
    def documents(self) -> list[Document]:
        """What each call was sent as data."""
        return [_document(asked) for asked in self.asked]

    def answer(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        if self.faults:
            return self.faults.pop(0)
        if self.always is not None:
            return self.always
        wish = asked.json
        said = self.obeys(_document(asked), wish.get("system") or wish["instructions"])
        text = said if isinstance(said, str) else json.dumps(said)
        return message(text) if asked.path.endswith("/messages") else response(text)


def _document(asked: Asked) -> Document:
    wish = asked.json
    turns = wish["messages"] if asked.path.endswith("/messages") else wish["input"]
    (turn,) = turns
    found: Document = json.loads(turn["content"])
    return found


def message(text: str, stop_reason: str = WELL, **more: object) -> Reply:
    """An answer of Anthropic's."""
    body = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-5-5",
        "content": [{"type": "text", "text": text}],
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 1000, "output_tokens": 2000},
    }
    return Reply.of(body | more)


def response(
    text: str, *, kind: str = "output_text", status: str = "completed", **more: object
) -> Reply:
    """An answer of OpenAI's."""
    part = {"type": kind, "refusal" if kind == "refusal" else "text": text}
    body = {
        "id": "resp_1",
        "object": "response",
        "model": "gpt-6-luna",
        "status": status,
        "output": [
            {"type": "reasoning", "id": "rs_1", "summary": []},
            {"type": "message", "id": "msg_1", "role": "assistant", "content": [part]},
        ],
        "incomplete_details": None,
        "error": None,
        "usage": {
            "input_tokens": 1000,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": 2000,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 3000,
        },
    }
    return Reply.of(body | more)


def refused(status: int, kind: str = "api_error", *, after: str = "", **more: object) -> Reply:
    """An error of either vendor's: what both read is in it."""
    body = {"type": "error", "error": {"type": kind, "message": SECRET_WORDS, **more}}
    reply = Reply.of(body, status)
    return Reply(status, reply.body, {"retry-after": after}) if after else reply


@contextmanager
def text_models() -> Iterator[TextModels]:
    """On a port of its own."""
    stub = TextModels()
    with vendor_server(stub.answer) as origin:
        stub.origin = origin
        yield stub
