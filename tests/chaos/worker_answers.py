"""What the image worker answers: the documented contract, and every way to miss it."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any

from tests.chaos.misbehaviour import Manner
from tests.chaos.pictures import black, picture, truncated

BUSY_S = 1

Asked = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})

    def encoded(self) -> bytes:
        """The answer as it goes over the wire."""
        head = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}"]
        head += [f"{name}: {value}" for name, value in self.headers.items()]
        head += [f"Content-Length: {len(self.body)}", "", ""]
        return "\r\n".join(head).encode() + self.body


_CODES = {
    Manner.LORA_DOWNLOAD_FAILED: 502,
    Manner.MODEL_LOAD_FAILED: 503,
    Manner.CUDA_OOM: 503,
    Manner.TIMEOUT: 504,
    Manner.LORA_LOAD_FAILED: 422,
    Manner.INVALID_PROMPT: 422,
    Manner.GENERATION_FAILED: 500,
}


_HTML = {"Content-Type": "text/html"}
_PLAIN = {
    Manner.HTML_500: Reply(500, b"<html>something broke</html>", _HTML),
    Manner.NOT_FOUND: Reply(404, b"<html>no such page</html>", _HTML),
    Manner.REDIRECT: Reply(302, b"", {"Location": "http://127.0.0.1:9/elsewhere"}),
    Manner.INVALID_JSON: Reply(200, b'{"image_base64": "iVBOR'),
    Manner.BUSY_BY_SECONDS: Reply(429, b"busy", {"Retry-After": str(BUSY_S)}),
}


def refusal(manner: Manner) -> Reply | None:
    """The answer without an image that belongs to `manner`; None if it is none of these."""
    if manner is Manner.BUSY_BY_BODY:
        return _json(429, {"error": "busy", "error_code": "BUSY", "retry_after": BUSY_S})
    if manner is Manner.BUSY_BY_DATE:
        then = datetime.now(UTC) + timedelta(seconds=BUSY_S)
        return Reply(429, b"busy", {"Retry-After": format_datetime(then, usegmt=True)})
    if manner in _CODES:
        code = manner.value.upper()
        return _json(_CODES[manner], {"error": code.lower(), "error_code": code})
    return _PLAIN.get(manner)


def image_for(manner: Manner, asked: Asked, label: str) -> bytes:
    """The bytes that the worker gives as an image."""
    width, height = asked["width"], asked["height"]
    match manner:
        case Manner.TRUNCATED:
            return truncated(width, height, label)
        case Manner.BLACK:
            return black(width, height, label)
        case Manner.WRONG_SIZE:
            return picture(width - 8, height, label)
    return picture(width, height, label)


def with_image(image: bytes, asked: Asked) -> Reply:
    """The answer that carries `image`."""
    return _json(
        200,
        {
            "image_base64": base64.b64encode(image).decode(),
            "image_size": f"{asked['width']}x{asked['height']}",
            "generation_time_seconds": 0.1,
            "model_info": {
                "base_model": "chaos",
                "lora_applied": True,
                "lora_version": "1",
                "lora_scale": asked["lora_scale"],
            },
            "metadata": {
                "seed_used": asked["seed"],
                "actual_steps": asked["steps"],
                "actual_cfg": asked["cfg"],
            },
        },
    )


def _json(status: int, body: Mapping[str, object]) -> Reply:
    return Reply(status, json.dumps(body).encode())
