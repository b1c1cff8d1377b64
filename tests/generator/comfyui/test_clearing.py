"""Nothing is left at ComfyUI: neither a job that nobody waits for nor any history."""

import asyncio
import logging

import pytest

from services.generator.domain.failures import ProviderFailure
from tests.builders import content_requested
from tests.eventually import PATIENCE_S, eventually
from tests.generator.comfyui.atelier import LINK, Atelier, Comfy
from tests.generator.comfyui.comfy_stub import ComfyStub, Run
from tests.generator.comfyui.wire import Reply


async def test_the_history_is_deleted_after_an_image_was_fetched(
    comfy: Comfy, stub: ComfyStub
) -> None:
    await comfy.generate()
    await comfy.clearing.finish()
    assert stub.forgotten == comfy.notes.ids
    assert stub.history == {}
    assert not stub.interrupts


async def test_the_history_is_deleted_after_a_failure(comfy: Comfy, stub: ComfyStub) -> None:
    stub.runs.append(Run(error={"exception_type": "RuntimeError"}))
    await comfy.failure()
    await comfy.clearing.finish()
    assert stub.forgotten == comfy.notes.ids
    assert stub.history == {}


async def test_the_history_is_deleted_though_the_first_try_fails(
    comfy: Comfy, stub: ComfyStub
) -> None:
    original = comfy.server.forget
    failures = [ProviderFailure("SERVER_ERROR", ""), ProviderFailure("CONNECTION", "")]

    async def forget(job_id: str) -> None:
        if failures:
            raise failures.pop()
        await original(job_id)

    comfy.server.forget = forget  # type: ignore[method-assign]
    await comfy.generate()
    await comfy.clearing.finish()
    assert stub.history == {}


async def test_a_cancelled_call_at_work_is_interrupted_by_its_own_id(
    comfy: Comfy, stub: ComfyStub
) -> None:
    stub.runs.append(Run(held=True))
    call = asyncio.create_task(comfy.generate())
    await eventually(lambda: comfy.notes.ids and stub.running)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await eventually(lambda: stub.forgotten)
    assert stub.interrupts == comfy.notes.ids == stub.forgotten
    assert (stub.running, stub.history) == (None, {})


async def test_an_interrupt_that_comes_before_the_first_node_is_sent_again(
    comfy: Comfy, stub: ComfyStub
) -> None:
    stub.lost_interrupts = 2
    stub.runs.append(Run(held=True))
    call = asyncio.create_task(comfy.generate())
    await eventually(lambda: comfy.notes.ids and stub.running)
    call.cancel()
    await eventually(lambda: stub.forgotten)
    assert stub.interrupts == comfy.notes.ids * 3
    assert (stub.running, stub.history) == (None, {})


async def test_a_cancelled_call_that_waits_is_taken_off_the_queue_and_interrupts_nobody(
    comfy: Comfy, stub: ComfyStub
) -> None:
    stub.runs.append(Run(held=True))
    others = asyncio.create_task(comfy.generate())
    await eventually(lambda: stub.running)
    ours = asyncio.create_task(comfy.generate())
    await eventually(lambda: len(comfy.notes.ids) == 2)
    ours.cancel()
    await eventually(lambda: not stub.pending and stub.forgotten)
    assert stub.interrupts == []
    assert not others.done()
    stub.release()
    assert (await others).data


async def test_a_call_that_takes_too_long_is_on_record_as_unknown_and_is_stopped(
    comfy: Comfy, stub: ComfyStub
) -> None:
    comfy.provider.call_limit_s = 0.5
    stub.runs.append(Run(held=True))
    atelier = Atelier(comfy.provider)
    generated = await atelier.generate(content_requested())
    assert generated.generation.provider == "next"
    assert atelier.codes == [("unknown", "TIMEOUT"), ("succeeded", None)]
    await eventually(lambda: stub.forgotten)
    assert stub.interrupts == stub.forgotten
    assert stub.running is None


async def test_a_server_that_is_away_is_given_up_in_the_end(
    comfy: Comfy, stub: ComfyStub, capsys: pytest.CaptureFixture[str]
) -> None:
    comfy = Comfy(stub.url, comfy.client, patience_s=0.2)
    stub.fails("/history", Reply(200, b"<html>"))
    stub.fails("/queue", *[Reply(503)] * 100)
    await comfy.failure()
    async with asyncio.timeout(PATIENCE_S):
        await comfy.clearing.finish()
    assert stub.faults["/queue"] != [Reply(503)] * 100
    assert "comfyui.job_left" in capsys.readouterr().out


async def test_nothing_is_logged_of_the_link_at_any_level(
    comfy: Comfy,
    stub: ComfyStub,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    error = {"exception_type": "X", "exception_message": LINK, "current_inputs": {"link": [LINK]}}
    stub.runs.append(Run(error=error))
    await comfy.failure()
    await comfy.generate()
    await comfy.clearing.finish()
    shown = capsys.readouterr()
    assert "canary" not in caplog.text + shown.out + shown.err
