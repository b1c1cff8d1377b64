"""Orders that were accepted and have no piece to show, or not yet."""

from typing import Any

import httpx2

from shared.calls import Reason
from tests.errors.producers.registry import GENERATE, PIECE, at_the_door
from tests.gateway.conftest import World


async def _ending(world: World, state: str, reason: str, detail: str = "") -> httpx2.Response:
    async def end(task: Any) -> None:
        said = Reason(piece_id="p", state=state, reason=reason, detail=detail)
        world.backend.fail(task.task_id, said)
        await world.wire.completed(task.task_id)

    world.backend.on_accept = end
    async with world.client() as client:
        return await client.post(GENERATE, json=PIECE)


@at_the_door("content_rejected")
async def content_rejected(world: World) -> httpx2.Response:
    return await _ending(world, "rejected", "moderation_rejected")


@at_the_door("invalid_prompt")
async def invalid_prompt(world: World) -> httpx2.Response:
    return await _ending(world, "failed", "invalid_prompt")


@at_the_door("lora_load_failed")
async def lora_load_failed(world: World) -> httpx2.Response:
    return await _ending(world, "failed", "lora_load_failed")


@at_the_door("avatar_deleted")
async def avatar_deleted(world: World) -> httpx2.Response:
    return await _ending(world, "failed", "avatar_deleted")


@at_the_door("task_cancelled")
async def task_cancelled(world: World) -> httpx2.Response:
    return await _ending(world, "failed", "cancelled")


@at_the_door("generation_failed", detail="The piece failed: a_new_reason (seen nowhere before)")
async def generation_failed(world: World) -> httpx2.Response:
    """Whatever a provider may say, the code is one of the table."""
    return await _ending(world, "failed", "a_new_reason", "seen nowhere before")


@at_the_door("providers_exhausted")
async def providers_exhausted(world: World) -> httpx2.Response:
    return await _ending(world, "failed", "providers_exhausted", "CUDA_OOM: out of memory")


@at_the_door("providers_unavailable")
async def providers_unavailable(world: World) -> httpx2.Response:
    return await _ending(world, "failed", "providers_unavailable")


@at_the_door("no_image_returned", detail="Generation succeeded but no image URL/base64 returned")
async def no_image_returned(world: World) -> httpx2.Response:
    said = "BAD_RESPONSE: no image in the answer"
    return await _ending(world, "failed", "providers_exhausted", said)


@at_the_door("upload_failed", detail="Failed to upload to R2")
async def upload_failed(world: World) -> httpx2.Response:
    return await _ending(world, "failed", "upload_failed")


@at_the_door("deadline")
async def deadline(world: World) -> httpx2.Response:
    return await _ending(world, "failed", "deadline")


@at_the_door("wait_elapsed")
async def wait_elapsed(world: World) -> httpx2.Response:
    async with world.client(generate_timeout_s=0.01) as client:
        return await client.post(GENERATE, json=PIECE)
