"""OpenAI's images as its documentation has them, with faults on demand.

https://developers.openai.com/api/docs/api-reference/images
"""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from tests.generator.replicate.vendor_server import Asked, Reply, vendor_server
from tests.generator.worker_stub import png

USAGE: dict[str, Any] = {
    "input_tokens": 30,
    "input_tokens_details": {"text_tokens": 30, "image_tokens": 0},
    "output_tokens": 439,
    "total_tokens": 469,
}


@dataclass
class Images:
    """Makes what it is asked for, unless `faults` or `always` say otherwise."""

    origin: str = ""
    image: bytes | None = None
    usage: object = field(default_factory=lambda: USAGE)
    faults: list[Reply] = field(default_factory=list)
    always: Reply | None = None
    asked: list[Asked] = field(default_factory=list)
    wishes: list[dict[str, Any]] = field(default_factory=list)

    @property
    def base_url(self) -> str:
        return f"{self.origin}/v1"

    def answer(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        wish = _form(asked) if asked.path.endswith("/edits") else asked.json
        self.wishes.append(wish)
        if self.faults:
            return self.faults.pop(0)
        return self.always or made(self.image or _drawn(wish), self.usage)


def made(image: bytes, usage: object = None) -> Reply:
    encoded = base64.b64encode(image).decode()
    body = {"created": 1, "output_format": "png", "data": [{"b64_json": encoded}]}
    return Reply.of(body if usage is None else {**body, "usage": usage})


def refused(status: int, code: str | None, kind: str = "error", **more: object) -> Reply:
    said = "Incorrect key: sk-canary-openai-key. Something about https://canary.example"
    error = {"message": said, "type": kind, "code": code, "param": None, **more}
    return Reply.of({"error": error}, status)


def _drawn(wish: dict[str, Any]) -> bytes:
    width, height = map(int, wish["size"].split("x"))
    return png(width, height)


def _form(asked: Asked) -> dict[str, Any]:
    """The parts of a form by name; a file as its name, type and bytes."""
    head = f"content-type: {asked.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser(EmailMessage, policy=HTTP).parsebytes(head + asked.body)
    parts: dict[str, Any] = {}
    for part in message.iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        data = part.get_payload(decode=True)
        assert isinstance(data, bytes)
        file = part.get_filename()
        parts[name] = data.decode() if file is None else (file, part.get_content_type(), data)
    return parts


@contextmanager
def images_stub() -> Iterator[Images]:
    """On a port of its own."""
    stub = Images()
    with vendor_server(stub.answer) as origin:
        stub.origin = origin
        yield stub
