"""The GPU's container on Modal, without Modal: what it does when it starts, is asked, and ends."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from deploy.modal import app as deployed
from deploy.modal.container import WARM_UP, Container
from services.generator.app.sdxl_loading import CannotLoad, LoadingEngine
from services.generator.sdxl.wishes import FailureCode, ImageEngine, NoPicture
from services.generator.settings.sdxl import SdxlSettings
from tests.generator.worker.engines import READY, CannedEngine
from tests.generator.worker.served import LINK, TOKEN

ORDER = {"prompt": "a lake", "lora_url": LINK, "seed": 3}


class Opening:
    """Opens this engine, and knows whether it is open."""

    def __init__(self, engine: ImageEngine | CannotLoad) -> None:
        self.engine = engine
        self.is_open = False

    @asynccontextmanager
    async def __call__(self, settings: SdxlSettings) -> AsyncIterator[LoadingEngine]:
        engine = LoadingEngine(self._load, READY)
        self.is_open = True
        yield engine
        self.is_open = False
        await engine.close()

    async def _load(self) -> ImageEngine:
        if isinstance(self.engine, CannotLoad):
            raise self.engine
        return self.engine


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKER_API_TOKEN", TOKEN)


def in_container(container: Container) -> Any:
    """The class as Modal makes it in a container, after its `enter`."""
    worker = deployed.ImageWorker._get_user_cls()()  # type: ignore[attr-defined]  # noqa: SLF001
    worker.container = container
    return worker


async def test_the_web_endpoint_answers_with_the_token_only_and_takes_no_submissions() -> None:
    container = await Container.opened(Opening(CannedEngine()))
    transport = httpx2.ASGITransport(app=in_container(container).web())
    async with httpx2.AsyncClient(transport=transport, base_url="http://modal") as client:
        nobody = await client.post("/generate-image", json=ORDER)
        health = await client.get("/health")
        client.headers["Authorization"] = f"Bearer {TOKEN}"
        image = await client.post("/generate-image", json=ORDER)
        submitted = await client.post("/generate-image/submit", json=ORDER)
    await container.close()
    statuses = [each.status_code for each in (nobody, health, image, submitted)]
    assert statuses == [401, 200, 200, 404]
    assert image.json()["metadata"]["seed_used"] == 3


async def test_it_has_made_a_picture_before_it_is_asked_for_one() -> None:
    engine = CannedEngine()
    container = await Container.opened(Opening(engine))
    assert engine.asked == [WARM_UP]
    await container.close()


async def test_the_function_returns_what_the_web_answers() -> None:
    container = await Container.opened(Opening(CannedEngine()))
    told = await in_container(container).generate(ORDER)
    await container.close()
    assert (told["image_size"], told["model_info"]["lora_applied"]) == ("1024x1024", True)


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({"prompt": " "}, "INVALID_PROMPT"),
        # The caller knows the contract's codes alone.
        ({"prompt": "a lake", "steps": 1}, "GENERATION_FAILED"),
        (ORDER, "LORA_DOWNLOAD_FAILED"),
    ],
)
async def test_the_function_returns_its_refusals(order: dict[str, Any], code: str) -> None:
    engine = CannedEngine()
    container = await Container.opened(Opening(engine))
    engine.failure = NoPicture(FailureCode.LORA_DOWNLOAD_FAILED, f"404 at {LINK}")
    told = await in_container(container).generate(order)
    await container.close()
    assert told["error_code"] == code
    assert "canary" not in str(told)


async def test_the_device_is_let_go_of_in_the_end() -> None:
    opening = Opening(CannedEngine())
    container = await Container.opened(opening)
    assert opening.is_open
    await in_container(container).close()
    assert not opening.is_open


async def test_without_a_token_it_does_not_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("WORKER_API_TOKEN")
    opening = Opening(CannedEngine())
    with pytest.raises(SystemExit):
        await Container.opened(opening)
    assert "WORKER_API_TOKEN" in capsys.readouterr().err
    assert not opening.is_open


async def test_without_a_model_it_does_not_start(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        await Container.opened(Opening(CannotLoad("SDXL_DEVICE", "no GPU")))
    assert "SDXL_DEVICE: no GPU" in capsys.readouterr().err
