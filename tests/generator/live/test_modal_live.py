"""One image from the real worker, by whichever way the settings name."""

import os
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from services.generator.adapters.image_gate import check_image
from services.generator.adapters.price_file import read_prices
from services.generator.app.modal import open_modal
from services.generator.app.parts import Parts
from services.generator.settings.modal import ModalSettings
from tests.builders import brief

WEIGHTS = "MODAL_TEST_LORA_URL"


def why_not() -> str:
    """Why no real worker can be asked here; empty where one can."""
    if os.environ.get("SKIP_MODAL_TESTS", "").lower() in {"1", "true", "yes"}:
        return "SKIP_MODAL_TESTS is true"
    settings = ModalSettings()
    if not settings.modal_is_configured:
        return "neither MODAL_ENDPOINT_URL nor MODAL_SDXL_LORA_ENDPOINT_ID is set"
    if settings.modal_endpoint_url is not None and not settings.modal_token:
        return "MODAL_API_TOKEN is not set"
    if settings.modal_sdxl_lora_endpoint_id is not None and not settings.modal_token_id:
        return "MODAL_TOKEN_ID and MODAL_TOKEN_SECRET are not set"
    return "" if os.environ.get(WEIGHTS) else f"{WEIGHTS} names no weights to use"


@dataclass(frozen=True, slots=True)
class GivenLink:
    """A link that somebody else has made."""

    url: str

    async def sign(self, key: str, *, fresh: bool = False) -> str:
        return self.url


@pytest.mark.skipif(bool(why_not()), reason=why_not() or "a real worker is asked")
async def test_the_real_worker_makes_an_image_with_the_weights() -> None:
    order, noted = brief(width=512, height=512, steps=20), list[str]()

    async def note(call_id: str) -> None:
        noted.append(call_id)

    async with AsyncExitStack() as stack:
        parts = Parts(stack, GivenLink(os.environ[WEIGHTS]), read_prices(None))
        provider = (await open_modal(ModalSettings(), parts)).provider
        made = await (await provider.prepare(order))(note)
    assert check_image(made.data, 512, 512) == "image/png"
    assert made.lora_applied
    assert made.seed == order.seed
