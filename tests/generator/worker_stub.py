"""An HTTP server that speaks the image worker's contract, with faults on demand."""

import base64
import functools
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from PIL import Image, ImageOps
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

PATH = "/generate-image"


@functools.cache
def png(width: int, height: int, colour: str = "teal") -> bytes:
    """Something to see: shades of a colour."""
    out = io.BytesIO()
    shades = Image.linear_gradient("L").resize((width, height))
    ImageOps.colorize(shades, "black", "white", mid=colour).save(out, "PNG")
    return out.getvalue()


class Worker:
    """Answers like a worker, and remembers what it was asked."""

    def __init__(self, server: HTTPServer) -> None:
        self.server = server
        self.asked: list[dict[str, object]] = []
        self.tokens: list[str | None] = []
        self.answers: list[Response] = []
        self.image: Callable[[int, int], bytes] = png
        self.delay_s: Callable[[dict[str, object]], float] = lambda _: 0.0
        self.at_work = 0
        self.most_at_work = 0
        self._count = threading.Lock()
        server.expect_request(PATH, method="POST").respond_with_handler(self._answer)

    @property
    def url(self) -> str:
        return self.server.url_for("")

    def will(self, *answers: Response) -> None:
        """Give these answers first, one a call."""
        self.answers.extend(answers)

    def _answer(self, request: Request) -> Response:
        body = request.get_json()
        self.asked.append(body)
        self.tokens.append(request.headers.get("Authorization"))
        with self._working():
            time.sleep(self.delay_s(body))
        if self.answers:
            return self.answers.pop(0)
        return image_answer(self.image(body["width"], body["height"]), body)

    @contextmanager
    def _working(self) -> Iterator[None]:
        with self._count:
            self.at_work += 1
            self.most_at_work = max(self.most_at_work, self.at_work)
        try:
            yield
        finally:
            with self._count:
                self.at_work -= 1


@contextmanager
def running_worker() -> Iterator[Worker]:
    """A worker that serves many calls at a time."""
    server = HTTPServer(host="127.0.0.1", port=0, threaded=True)
    server.start()
    try:
        yield Worker(server)
    finally:
        server.clear()
        if server.is_running():
            server.stop()


def image_answer(image: bytes, asked: dict[str, object]) -> Response:
    return _json(
        200,
        {
            "image_base64": base64.b64encode(image).decode(),
            "image_size": f"{asked.get('width')}x{asked.get('height')}",
            "generation_time_seconds": 0.1,
            "model_info": {
                "base_model": "tiny-sdxl",
                "lora_applied": True,
                "lora_version": "1",
                "lora_scale": asked.get("lora_scale"),
            },
            "metadata": {
                "seed_used": asked.get("seed"),
                "actual_steps": asked.get("steps"),
                "actual_cfg": asked.get("cfg"),
            },
        },
    )


def refusal(status: int, code: str, **more: object) -> Response:
    return _json(status, {"error": code.lower(), "error_code": code, **more})


def plain(status: int, body: str = "<html>oops</html>", **headers: str) -> Response:
    return Response(body, status=status, headers=headers, content_type="text/html")


def _json(status: int, body: dict[str, object]) -> Response:
    return Response(json.dumps(body), status=status, content_type="application/json")
