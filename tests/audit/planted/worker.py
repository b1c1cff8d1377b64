"""An image worker whose every image differs, and that keeps its own log of what it will bill."""

import io
import itertools
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, ImageOps
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.audit.planted.recording import Notes
from tests.generator.worker_stub import PATH, image_answer


@contextmanager
def billing_worker(notes: Notes) -> Iterator[str]:
    """A worker that serves many calls at a time; gives its address."""
    numbers = itertools.count(1)

    def answer(request: Request) -> Response:
        asked = {name: text for name, text in request.get_json().items() if name != "lora_url"}
        call = next(numbers)
        notes.write("provider", call=call, event="asked", request=asked, **_nothing())
        image = _image(asked["width"], asked["height"], call)
        given = {"status": 200, "sha256": notes.keep(image), "billed": True}
        notes.write("provider", call=call, event="given", request=asked, **given)
        return image_answer(image, asked)

    server = HTTPServer(host="127.0.0.1", port=0, threaded=True)
    server.expect_request(PATH, method="POST").respond_with_handler(answer)
    server.start()
    try:
        yield server.url_for("")
    finally:
        server.clear()
        server.stop()


def _nothing() -> dict[str, object]:
    return {"status": None, "sha256": None, "billed": False}


def _image(width: int, height: int, call: int) -> bytes:
    out = io.BytesIO()
    light = Image.linear_gradient("L").resize((width, height))
    # A hue for each call, so that no two files are the same.
    hue = ImageOps.colorize(light, "black", "white", mid=(40, 120, call % 256))
    hue.save(out, "PNG", compress_level=1)
    return out.getvalue()
