"""A deployed function under test, opened as production opens it."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from services.generator.adapters.modal.worker import ModalWorker
from services.generator.app.modal_function import function
from services.generator.settings.modal import ModalSettings
from tests.generator.modal.function_server import FunctionServer, Step, function_server
from tests.generator.modal.orders import PRICE, Links
from tests.generator.worker_stub import image_answer, png

NAME = "atelier-worker/generate_image"
LOOKED = "FunctionGetOutputs"
ASKED: dict[str, object] = {"width": 1024, "height": 1024, "steps": 28, "cfg": 5.5, "seed": 7}
IMAGE = json.loads(image_answer(png(1024, 1024), ASKED | {"lora_scale": 0.9}).get_data())


@dataclass(frozen=True, slots=True)
class ModalAddress:
    """Where the SDK believes Modal to be."""

    monkeypatch: pytest.MonkeyPatch

    def is_at(self, port: int) -> None:
        self.monkeypatch.setenv("MODAL_SERVER_URL", f"http://127.0.0.1:{port}")


@asynccontextmanager
async def opened(name: str = NAME, *, limit_s: float = 5.0) -> AsyncIterator[ModalWorker]:
    """The provider as production opens it, but with less patience."""
    settings = ModalSettings(
        modal_sdxl_lora_endpoint_id=name,
        modal_token_id="ak-canary",
        modal_token_secret="as-canary",
        modal_poll_seconds=0.01,
    )
    async with AsyncExitStack() as stack:
        way = function(name, settings, stack)
        way = replace(way, lookup_s=1.5, submission_s=1.5, look_s=1.5)
        yield ModalWorker(way, lora_links=Links(), timeout_s=limit_s, price=PRICE)


@asynccontextmanager
async def served(
    modal: ModalAddress, **steps: Sequence[Step]
) -> AsyncIterator[tuple[FunctionServer, ModalWorker]]:
    """A provider, and the server that it asks."""
    async with function_server(**steps) as server, opened() as provider:
        modal.is_at(server.port)
        yield server, provider
