"""What goes wrong while a job is waited for, and with the image it gave."""

import asyncio
import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from services.generator.adapters.comfyui.server import Where
from services.generator.domain.failures import ProviderFailure
from shared.outcomes import GiveUp
from tests.builders import brief, content_requested
from tests.eventually import eventually
from tests.generator.comfyui.atelier import LINK, Atelier, Comfy
from tests.generator.comfyui.comfy_stub import OUTPUT, ComfyStub, Run
from tests.generator.comfyui.wire import Reply, as_json
from tests.generator.worker_stub import png

PROMPT = "canary-prompt"


def error(kind: str, message: str) -> Run:
    """As the real one tells it: with every input of the node."""
    return Run(
        error={
            "node_id": "avatar",
            "node_type": "AtelierLoraFromLink",
            "exception_type": kind,
            "exception_message": f"{message}\n",
            "traceback": [f"  in apply {LINK}"],
            "current_inputs": {"link": [LINK], "text": [PROMPT]},
        }
    )


@pytest.mark.parametrize(
    ("run", "code"),
    [
        (error("torch.OutOfMemoryError", "Allocation on device"), "CUDA_OOM"),
        (error("torch.cuda.OutOfMemoryError", "x"), "CUDA_OOM"),
        (error("RuntimeError", "CUDA error: out of memory"), "CUDA_OOM"),
        (error("a.LoraFailed", "LORA_DOWNLOAD_FAILED: HTTP 403"), "LORA_DOWNLOAD_FAILED"),
        (error("a.LoraFailed", "LORA_LOAD_FAILED: no tensor fits"), "LORA_LOAD_FAILED"),
        (error("RuntimeError", f"{PROMPT} {LINK}"), "GENERATION_FAILED"),
        (error(f"Oops {LINK}", "x"), "GENERATION_FAILED"),
    ],
)
@pytest.mark.parametrize("sockets", [True, False])
async def test_an_error_at_work_is_told_in_our_words_and_without_its_inputs(
    comfy: Comfy, stub: ComfyStub, run: Run, code: str, sockets: bool
) -> None:
    stub.wire.takes_sockets = sockets
    stub.runs.append(run)
    failure = await comfy.failure(brief(prompt=PROMPT))
    assert (failure.code, failure.outcome) == (code, "failed")
    assert "canary" not in f"{failure!r} {failure} {failure.detail}"


async def test_an_error_names_the_node_and_the_exception_and_not_the_path_of_its_module(
    comfy: Comfy, stub: ComfyStub
) -> None:
    stub.runs.append(error("/opt/comfyui/custom_nodes/atelier_lora.failures.LoraLoadFailed", "x"))
    assert (await comfy.failure()).detail == "AtelierLoraFromLink: LoraLoadFailed"


async def test_an_expired_link_sends_the_piece_to_the_next_provider(
    comfy: Comfy, stub: ComfyStub
) -> None:
    stub.runs.append(error("a.LoraFailed", "LORA_DOWNLOAD_FAILED: HTTP 403"))
    atelier = Atelier(comfy.provider)
    await atelier.generate(content_requested())
    assert atelier.codes == [("failed", "LORA_DOWNLOAD_FAILED"), ("succeeded", None)]


async def test_weights_that_do_not_load_fail_the_piece(comfy: Comfy, stub: ComfyStub) -> None:
    stub.runs.append(error("a.LoraFailed", "LORA_LOAD_FAILED: not safetensors"))
    atelier = Atelier(comfy.provider)
    with pytest.raises(GiveUp) as gave_up:
        await atelier.generate(content_requested())
    assert gave_up.value.reason == "lora_load_failed"


async def test_a_job_that_somebody_interrupts_is_cancelled(comfy: Comfy, stub: ComfyStub) -> None:
    stub.runs.append(Run(held=True))
    call = asyncio.create_task(comfy.generate())
    await eventually(lambda: comfy.notes.ids)
    await comfy.server.interrupt(comfy.notes.ids[0])
    with pytest.raises(ProviderFailure) as failed:
        await call
    assert (failed.value.code, failed.value.outcome) == ("CANCELLED", "failed")


async def test_a_job_deleted_from_the_queue_leaves_no_event_and_is_missed(
    comfy: Comfy, stub: ComfyStub
) -> None:
    stub.runs.append(Run(held=True))
    first = asyncio.create_task(comfy.generate())
    await eventually(lambda: stub.running)
    second = asyncio.create_task(comfy.generate())
    await eventually(lambda: len(comfy.notes.ids) == 2)
    await comfy.server.dequeue(comfy.notes.ids[1])
    with pytest.raises(ProviderFailure) as failed:
        await second
    assert (failed.value.code, failed.value.outcome) == ("CANCELLED", "unknown")
    stub.release()
    await first


async def test_a_server_that_was_started_anew_knows_the_job_no_more(
    comfy: Comfy, stub: ComfyStub
) -> None:
    stub.runs.append(Run(held=True))
    call = asyncio.create_task(comfy.generate())
    await eventually(lambda: comfy.notes.ids)
    stub.restart()
    with pytest.raises(ProviderFailure) as failed:
        await call
    assert (failed.value.code, failed.value.outcome) == ("CANCELLED", "unknown")


async def test_a_history_that_somebody_emptied_is_made_up_for_by_the_events(
    comfy: Comfy, stub: ComfyStub
) -> None:
    stub.keeps_history = False
    assert (await comfy.generate()).data


PASSING = {
    "500": Reply(500),
    "503": Reply(503, b"<html>starting</html>"),
    "429": Reply(429, headers={"Retry-After": "0"}),
    "reset": Reply(resets=True),
    "hung": Reply(hangs=True),
    "drip": Reply(200, b" " * 100, drip_s=0.1),
    "cut": Reply(200, b'{"queue_running": []}', cut_at=5),
}


@pytest.mark.parametrize("path", ["/history", "/queue", "/view"])
@pytest.mark.parametrize("reply", PASSING.values(), ids=PASSING.keys())
async def test_what_passes_is_waited_out_and_nothing_is_bought_again(
    comfy: Comfy, stub: ComfyStub, path: str, reply: Reply
) -> None:
    stub.runs.append(Run(held=True))
    stub.fails(path, reply, reply)
    call = asyncio.create_task(comfy.generate())
    await eventually(lambda: comfy.notes.ids and (path == "/view" or not stub.faults[path]))
    stub.release()
    assert (await call).data
    assert len(stub.prompts) == 1


async def test_a_busy_server_is_left_alone_for_as_long_as_it_asks(
    comfy: Comfy, stub: ComfyStub
) -> None:
    stub.runs.append(Run(held=True))
    stub.fails("/history", Reply(429, headers={"Retry-After": "30"}))
    call = asyncio.create_task(comfy.generate())
    await eventually(lambda: stub.told("/history"))
    await asyncio.sleep(0.3)
    assert len(stub.told("/history")) == 1
    stub.release()  # and an event says that it is worth to ask
    assert (await call).data


async def test_a_job_that_ends_between_two_questions_is_not_missed(
    comfy: Comfy, stub: ComfyStub
) -> None:
    """The history said nothing yet, and then the queue nothing any more."""
    stub.wire.takes_sockets = False
    stub.runs.append(Run(held=True))
    stub.fails("/history", as_json({}))
    stub.fails("/queue", as_json({"queue_running": [], "queue_pending": []}))
    ask = comfy.server.where

    async def ask_late(job_id: str) -> Where:
        stub.release()
        await eventually(lambda: stub.history)
        return await ask(job_id)

    comfy.server.where = ask_late  # type: ignore[method-assign]
    assert (await comfy.generate()).data


@pytest.mark.parametrize("path", ["/history", "/queue"])
async def test_a_page_where_an_answer_should_be_is_a_bad_response(
    comfy: Comfy, stub: ComfyStub, path: str
) -> None:
    stub.runs.append(Run(held=True))
    stub.fails(path, Reply(200, b"<html>log in</html>", {"Content-Type": "text/html"}))
    failure = await comfy.failure()
    assert failure.code == "BAD_RESPONSE"


@pytest.mark.parametrize(
    "outputs",
    [
        {},
        {"other": {"images": [{"filename": "a.png"}]}},
        {OUTPUT: {"images": []}},
        {OUTPUT: {"text": ["hello"]}},
        {OUTPUT: {"images": [True]}},
        {OUTPUT: None},
    ],
)
async def test_a_job_without_an_image_in_the_output_is_a_bad_response(
    comfy: Comfy, stub: ComfyStub, outputs: dict[str, Any]
) -> None:
    stub.runs.append(Run(outputs=outputs))
    assert (await comfy.failure()).code == "BAD_RESPONSE"


def black(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height)).save(out, "PNG")
    return out.getvalue()


def bomb(width: int, height: int) -> bytes:
    head = struct.pack("!IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack("!I", len(data)) + kind + data + struct.pack("!I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


IMAGES: dict[str, Callable[[int, int], bytes]] = {
    "black": black,
    "wrong size": lambda width, height: png(width // 2, height // 2),
    "bomb": bomb,
    "page": lambda width, height: b"<html>no image</html>",
    "cut": lambda width, height: b"\xff\xd8\xff\xe0\x00\x10JFIF",
    "nothing": lambda width, height: b"",
}


@pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES.keys())
async def test_an_image_of_no_use_is_a_bad_response_and_the_next_provider_is_asked(
    comfy: Comfy, stub: ComfyStub, image: Callable[[int, int], bytes]
) -> None:
    stub.image = image
    if image is bomb:
        stub.fails("/view", Reply(200, bomb(0, 0), {"Content-Type": "image/png"}))
        stub.image = png
    atelier = Atelier(comfy.provider)
    generated = await atelier.generate(content_requested())
    assert generated.generation.provider == "next"
    assert atelier.codes == [("failed", "BAD_RESPONSE"), ("succeeded", None)]


async def test_an_image_that_never_ends_is_cut_off(comfy: Comfy, stub: ComfyStub) -> None:
    comfy = Comfy(stub.url, comfy.client, request_limit_s=10)
    stub.fails("/view", Reply(200, b"\x89PNG\r\n\x1a\n" + b"\0" * (33 * 2**20)))
    assert (await comfy.failure()).code == "BAD_RESPONSE"


async def test_a_file_that_is_gone_is_no_image(comfy: Comfy, stub: ComfyStub) -> None:
    stub.fails("/view", Reply(404))
    assert (await comfy.failure()).code == "REFUSED"
