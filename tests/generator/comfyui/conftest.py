"""A provider at a ComfyUI of ours, through the client that production uses."""

from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest

from tests.generator.comfyui.atelier import Comfy
from tests.generator.comfyui.comfy_stub import ComfyStub


@pytest.fixture
def stub() -> Iterator[ComfyStub]:
    with ComfyStub().serving() as stub:
        yield stub


@pytest.fixture
async def comfy(stub: ComfyStub) -> AsyncIterator[Comfy]:
    async with httpx2.AsyncClient(timeout=2.0, trust_env=False) as client:
        comfy = Comfy(stub.url, client)
        yield comfy
        await comfy.clearing.finish()
