"""The vendors of ours, and the models that production would make of its settings."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack

import pytest

from services.hooks.app.models import open_models
from services.hooks.ports import CaptionModel
from services.hooks.settings import HooksSettings
from tests.hooks.models.stub import CANARY, TextModels, text_models

Opening = Callable[..., tuple[CaptionModel, ...]]


@pytest.fixture
def vendor() -> Iterator[TextModels]:
    with text_models() as stub:
        yield stub


@pytest.fixture
async def opening(vendor: TextModels) -> AsyncIterator[Opening]:
    async with AsyncExitStack() as stack:

        def open_some(*names: str, **given: object) -> tuple[CaptionModel, ...]:
            return open_models(settings(vendor, hook_providers=names, **given), stack)

        yield open_some


@pytest.fixture(params=["anthropic", "openai"])
def model(request: pytest.FixtureRequest, opening: Opening) -> CaptionModel:
    (opened,) = opening(request.param, hook_timeout_seconds=25)
    return opened


def settings(vendor: TextModels, **given: object) -> HooksSettings:
    known: dict[str, object] = {
        "nats_url": "nats://127.0.0.1:1",
        "anthropic_api_key": CANARY,
        "anthropic_base_url": vendor.origin,
        "openai_api_key": CANARY,
        "openai_base_url": f"{vendor.origin}/v1",
    }
    return HooksSettings.model_validate(known | given)
