"""The same against a real ComfyUI, without any model: COMFYUI_TEST_URL=http://127.0.0.1:8188.

Its history has to be its own: these tests look whether they have left anything in it.
"""

import asyncio
import io
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx2
import pytest
from PIL import Image

from services.generator.adapters.comfyui.workflow import Workflow
from services.generator.domain.failures import ProviderFailure
from tests.builders import brief
from tests.eventually import eventually
from tests.generator.comfyui.atelier import Comfy

URL = os.environ.get("COMFYUI_TEST_URL", "")
CANARY = "canary-prompt"

pytestmark = pytest.mark.skipif(not URL, reason="COMFYUI_TEST_URL is not set")


def drawing(**more: Any) -> dict[str, Any]:
    size = {"width": "{{width}}", "height": "{{height}}"}
    return {
        "text": {"class_type": "PrimitiveString", "inputs": {"value": "{{prompt}}"}},
        "draw": {
            "class_type": "EmptyImage",
            "inputs": {**size, "batch_size": 1, "color": "{{seed}}", **more},
        },
        "save": {
            "class_type": "SaveImage",
            "inputs": {"images": ["draw", 0], "filename_prefix": "atelier-test/{{seed}}"},
        },
    }


def slow_drawing() -> dict[str, Any]:
    """Scaled up and down again many times: it can be stopped at each."""
    nodes, last = drawing(), "draw"
    for number in range(60):
        side = 3072 + number
        inputs = {"image": [last, 0], "width": side, "height": side, "crop": "disabled"}
        last = f"scale-{number}"
        nodes[last] = {"class_type": "ImageScale", "inputs": {**inputs, "upscale_method": "area"}}
    nodes["save"]["inputs"]["images"] = [last, 0]
    return nodes


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(timeout=5.0, trust_env=False) as client:
        yield client


def real(client: httpx2.AsyncClient, nodes: dict[str, Any]) -> Comfy:
    return Comfy(
        URL,
        client,
        workflow=Workflow(nodes, "save"),
        poll_s=0.2,
        request_limit_s=10,
        patience_s=30,
    )


def order() -> Any:
    # Another one each time: what it has made before the server does not make again.
    return brief(prompt=CANARY, seed=random.randrange(2**24), width=640, height=512)


async def left(client: httpx2.AsyncClient, comfy: Comfy) -> list[str]:
    """Which of our jobs the server still knows."""
    history = (await client.get(f"{URL}/history")).json()
    queue = (await client.get(f"{URL}/queue")).json()
    queued = [item[1] for items in queue.values() for item in items]
    return [job for job in comfy.notes.ids if job in history or job in queued]


async def eventually_equals(known: Callable[[], Awaitable[list[str]]], wanted: list[str]) -> None:
    """A node has to end before its job can be stopped."""

    async def equals() -> bool:
        return await known() == wanted

    await eventually(equals, timeout_s=30)


async def test_an_image_comes_back_and_nothing_stays(client: httpx2.AsyncClient) -> None:
    comfy, wanted = real(client, drawing()), order()
    made = await comfy.generate(wanted)
    with Image.open(io.BytesIO(made.data)) as image:
        assert image.size == (640, 512)
        assert image.convert("RGB").getpixel((5, 5)) == (
            wanted.seed >> 16,
            wanted.seed >> 8 & 255,
            wanted.seed & 255,
        )
        assert image.info == {}
    assert CANARY.encode() not in made.data
    await comfy.clearing.finish()
    assert await left(client, comfy) == []


async def test_what_it_has_made_before_comes_back_again(client: httpx2.AsyncClient) -> None:
    comfy, wanted = real(client, drawing()), order()
    assert (await comfy.generate(wanted)).data == (await comfy.generate(wanted)).data
    await comfy.clearing.finish()


async def test_a_job_is_resumed_by_its_id(client: httpx2.AsyncClient) -> None:
    comfy, wanted = real(client, slow_drawing()), order()
    first = asyncio.create_task(comfy.generate(wanted))
    await eventually(lambda: comfy.notes.ids)
    other = real(client, drawing())
    other.notes.ids = comfy.notes.ids
    resumed = asyncio.create_task(other.provider.resume(wanted, comfy.notes.ids[0]))
    await asyncio.sleep(0.5)
    first.cancel()
    with pytest.raises(ProviderFailure) as failed:
        await resumed
    assert failed.value.code == "CANCELLED"
    await comfy.clearing.finish()
    await other.clearing.finish()


async def test_a_cancelled_job_is_stopped_and_a_waiting_one_interrupts_nobody(
    client: httpx2.AsyncClient,
) -> None:
    comfy = real(client, slow_drawing())
    running = asyncio.create_task(comfy.generate(order()))
    await eventually(lambda: len(comfy.notes.ids) == 1)
    waiting = asyncio.create_task(comfy.generate(order()))
    await eventually(lambda: len(comfy.notes.ids) == 2)
    waiting.cancel()
    await asyncio.wait([waiting])

    async def known() -> list[str]:
        return await left(client, comfy)

    await eventually_equals(known, comfy.notes.ids[:1])
    assert not running.done()
    running.cancel()
    await asyncio.wait([running])
    await eventually_equals(known, [])


async def test_a_job_deleted_by_somebody_is_missed(client: httpx2.AsyncClient) -> None:
    comfy = real(client, slow_drawing())
    running = asyncio.create_task(comfy.generate(order()))
    await eventually(lambda: len(comfy.notes.ids) == 1)
    waiting = asyncio.create_task(comfy.generate(order()))
    await eventually(lambda: len(comfy.notes.ids) == 2)
    await comfy.server.dequeue(comfy.notes.ids[1])
    with pytest.raises(ProviderFailure) as failed:
        await waiting
    assert (failed.value.code, failed.value.outcome) == ("CANCELLED", "unknown")
    running.cancel()
    await asyncio.wait([running])
    await comfy.clearing.finish()


async def test_an_error_at_work_is_told_without_its_inputs(client: httpx2.AsyncClient) -> None:
    comfy = real(client, drawing(width=16384, height=16384, batch_size=4096))
    failure = await comfy.failure(order())
    assert (failure.code, failure.outcome) == ("GENERATION_FAILED", "failed")
    assert failure.detail == "EmptyImage: RuntimeError"
    await comfy.clearing.finish()
    assert await left(client, comfy) == []


async def test_a_value_out_of_range_and_a_node_that_is_not_there_are_refused(
    client: httpx2.AsyncClient,
) -> None:
    seed_too_large = real(client, drawing())
    failure = await seed_too_large.failure(brief(prompt=CANARY, seed=2**31))
    assert (failure.code, failure.detail) == ("REFUSED", "HTTP 400 draw.inputs.color")
    nodes = drawing()
    nodes["draw"]["class_type"] = "NotInstalled"
    failure = await real(client, nodes).failure(order())
    assert (failure.code, failure.outcome) == ("GENERATION_FAILED", "failed")
