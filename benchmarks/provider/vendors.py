"""Vendors of captions and of moderation that answer at once, in the form of the real ones.

https://platform.claude.com/docs/en/api/messages
https://developers.openai.com/api/docs/api-reference/responses
https://developers.openai.com/api/docs/guides/moderation
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from benchmarks.provider.connection import HOST, Connection

_CAPTIONS = 5
_CATEGORIES = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)


class InstantVendors:
    """Who is asked is told by what is asked. Counts the calls and the pictures in them."""

    def __init__(self) -> None:
        self.calls = 0
        self.pictures = 0

    def answer(self, request: bytes) -> bytes:
        """The answer to a request, at once."""
        asked = json.loads(request)
        if "messages" in asked:
            return _message(asked["model"], self._captions(asked["messages"]))
        if "instructions" in asked:
            return _response(asked["model"], self._captions(asked["input"]))
        return _moderated(asked["model"])

    def _captions(self, turns: list[dict[str, Any]]) -> str:
        pictures = json.loads(turns[0]["content"])["pictures"]
        self.calls += 1
        self.pictures += len(pictures)
        return json.dumps({"pictures": [_written(picture) for picture in pictures]})


@asynccontextmanager
async def instant_vendors() -> AsyncIterator[tuple[InstantVendors, str]]:
    """On a free port until the block ends; gives the origin, too."""
    vendors = InstantVendors()
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(vendors.answer), HOST, 0
    )
    try:
        yield vendors, f"http://{HOST}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def _written(picture: Mapping[str, str]) -> dict[str, object]:
    words = picture["shows"].split()
    about = " ".join(words[-3:])
    lines = [
        f"Number {line} of my thoughts on {about}: slow light, warm tea, and time for nothing else."
        for line in range(_CAPTIONS)
    ]
    return {"id": picture["id"], "captions": lines}


def _message(model: str, text: str) -> bytes:
    answer = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 1000, "output_tokens": 2000},
    }
    return json.dumps(answer).encode()


def _response(model: str, text: str) -> bytes:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    answer = {
        "id": "resp_1",
        "object": "response",
        "model": model,
        "status": "completed",
        "output": [{"type": "message", "id": "m_1", "role": "assistant", "content": content}],
        "incomplete_details": None,
        "error": None,
        "usage": {"input_tokens": 1000, "output_tokens": 2000, "total_tokens": 3000},
    }
    return json.dumps(answer).encode()


def _moderated(model: str) -> bytes:
    result = {
        "flagged": False,
        "categories": dict.fromkeys(_CATEGORIES, False),
        "category_scores": dict.fromkeys(_CATEGORIES, 0.001),
        "category_applied_input_types": {name: ["text", "image"] for name in _CATEGORIES},
    }
    return json.dumps({"id": "modr_1", "model": model, "results": [result]}).encode()
