"""A piece made at ComfyUI: what is asked, what is followed, what comes back."""

import asyncio
import io

import pytest
from PIL import Image

from services.generator.adapters.comfyui.provider import values
from services.generator.adapters.comfyui.workflow import Workflow
from services.generator.ports import ResumableProvider
from shared.outcomes import TryLater
from tests.builders import brief
from tests.eventually import PATIENCE_S, eventually
from tests.generator.comfyui.atelier import CHECKPOINT, LINK, Comfy
from tests.generator.comfyui.comfy_stub import ComfyStub, Run
from tests.generator.comfyui.wire import Reply


async def submitted(comfy: Comfy) -> str:
    """A job of a process that is no more."""
    nodes = comfy.workflow.filled(values(brief(), LINK, CHECKPOINT))
    return await comfy.server.submit(nodes, comfy.workflow, "a-job")


async def test_submits_the_workflow_with_exactly_what_the_brief_says(
    comfy: Comfy, stub: ComfyStub
) -> None:
    order = brief(prompt="TOK_a, by the sea", negative_prompt="blurry", seed=99, width=832)
    made = await comfy.generate(order)
    (asked,) = stub.prompts
    nodes = {key: node["inputs"] for key, node in asked["prompt"].items()}
    assert nodes["checkpoint"] == {"ckpt_name": CHECKPOINT}
    assert nodes["avatar"]["link"] == LINK
    assert nodes["avatar"]["strength"] == 0.9
    assert nodes["positive"]["text"] == "TOK_a, by the sea"
    assert nodes["negative"]["text"] == "blurry"
    assert (nodes["canvas"]["width"], nodes["canvas"]["height"]) == (832, 1024)
    assert {key: nodes["sampler"][key] for key in ("seed", "steps", "cfg")} == {
        "seed": 99,
        "steps": 28,
        "cfg": 5.5,
    }
    assert (made.seed, made.steps, made.cfg_scale, made.model) == (99, 28, 5.5, CHECKPOINT)
    assert (made.lora_applied, made.lora_scale, made.cost_usd_micros) == (True, 0.9, 0)


async def test_the_image_comes_back_pixel_by_pixel_and_without_the_workflow(
    comfy: Comfy, stub: ComfyStub
) -> None:
    made = await comfy.generate()
    (saved,) = stub.files.values()
    assert b"canary" in saved
    assert b"canary" not in made.data
    with Image.open(io.BytesIO(made.data)) as image, Image.open(io.BytesIO(saved)) as original:
        assert image.info == {}
        assert image.tobytes() == original.tobytes()


async def test_the_job_is_noted_while_it_is_still_under_way(comfy: Comfy, stub: ComfyStub) -> None:
    stub.runs.append(Run(held=True))
    call = asyncio.create_task(comfy.generate())
    await eventually(lambda: comfy.notes.ids and stub.running)
    assert not call.done()
    assert stub.running is not None
    assert comfy.notes.ids == [stub.running.id]
    stub.release()
    await call


async def test_is_told_of_the_end_long_before_it_would_ask(comfy: Comfy, stub: ComfyStub) -> None:
    comfy = Comfy(stub.url, comfy.client, poll_s=2 * PATIENCE_S)
    stub.runs.append(Run(held=True))
    call = asyncio.create_task(comfy.generate())
    await eventually(lambda: stub.told("/history/"))
    asked = len(stub.told("/history/"))
    stub.release()
    async with asyncio.timeout(PATIENCE_S):
        await call
    assert asked == 1


async def test_what_is_told_of_somebody_elses_job_and_previews_end_nothing(
    comfy: Comfy, stub: ComfyStub
) -> None:
    stub.runs.append(Run(held=True))
    call = asyncio.create_task(comfy.generate())
    await eventually(lambda: len(stub.told("/history/")) > 3)
    assert not call.done()
    stub.release()
    await call


async def test_an_older_server_that_chooses_the_id_itself_will_do(
    comfy: Comfy, stub: ComfyStub
) -> None:
    stub.takes_wanted_ids = False
    made = await comfy.generate()
    await comfy.clearing.finish()
    assert made.data
    assert comfy.notes.ids == stub.forgotten
    assert comfy.notes.ids != [stub.prompts[0]["client_id"]]


async def test_no_websocket_means_asking_and_nothing_worse(comfy: Comfy, stub: ComfyStub) -> None:
    stub.wire.takes_sockets = False
    assert (await comfy.generate()).data


async def test_the_websocket_is_not_led_elsewhere(comfy: Comfy, stub: ComfyStub) -> None:
    stub.wire.takes_sockets = False
    with ComfyStub().serving() as elsewhere:
        away = f"ws{elsewhere.url.removeprefix('http')}/ws?clientId=led-away"
        stub.fails("/ws", *[Reply(302, headers={"Location": away})] * 10)
        assert (await comfy.generate()).data
        assert elsewhere.connections == 0
    assert stub.told("/ws")


async def test_a_websocket_that_drops_is_opened_again_and_nothing_is_bought_twice(
    comfy: Comfy, stub: ComfyStub
) -> None:
    stub.runs.append(Run(held=True))
    call = asyncio.create_task(comfy.generate())
    await eventually(lambda: comfy.notes.ids)
    stub.drop_sockets()
    await eventually(lambda: stub.connections == 2)
    stub.release()
    await call
    assert len(stub.prompts) == 1


async def test_resuming_waits_for_the_job_that_is_there_and_submits_none(
    comfy: Comfy, stub: ComfyStub
) -> None:
    assert isinstance(comfy.provider, ResumableProvider)
    stub.runs.append(Run(held=True))
    job_id = await submitted(comfy)
    resumed = asyncio.create_task(comfy.provider.resume(brief(), job_id))
    await eventually(lambda: len(stub.told("/queue")) > 2)
    assert not resumed.done()
    stub.release()
    assert (await resumed).data
    assert len(stub.prompts) == 1


async def test_resuming_a_job_that_has_ended_meanwhile_fetches_its_image(
    comfy: Comfy, stub: ComfyStub
) -> None:
    job_id = await submitted(comfy)
    await eventually(lambda: stub.history)
    made = await comfy.provider.resume(brief(), job_id)
    with Image.open(io.BytesIO(made.data)) as image:
        assert image.size == (1024, 1024)


async def test_nothing_is_signed_for_a_workflow_without_a_link_and_likeness_is_not_claimed(
    comfy: Comfy, stub: ComfyStub
) -> None:
    left = {key: comfy.workflow.nodes[key] for key in ("positive", "canvas", "save")}
    draw = {"class_type": "Draw", "inputs": {"seed": "{{seed}}", "steps": 4, "cfg": 1.5}}
    comfy = Comfy(stub.url, comfy.client, workflow=Workflow({**left, "draw": draw}, "save"))
    made = await comfy.generate()
    assert comfy.links.fresh == []
    assert not comfy.provider.keeps_likeness
    assert (made.lora_applied, made.lora_scale) == (False, 0.0)
    assert (made.steps, made.cfg_scale) == (4, 1.5)


async def test_a_fresh_link_is_asked_for_when_the_last_one_did_not_work(comfy: Comfy) -> None:
    await comfy.provider.prepare(brief(), fresh_link=True)
    assert comfy.links.fresh == [True]


async def test_a_call_that_cannot_be_noted_leaves_no_job_behind(
    comfy: Comfy, stub: ComfyStub
) -> None:
    stub.runs.append(Run(held=True))

    async def refuse(_: str) -> None:
        raise TryLater("the ledger is away")

    call = await comfy.provider.prepare(brief())
    with pytest.raises(TryLater):
        await call(refuse)
    await eventually(lambda: stub.forgotten)
    assert (stub.running, stub.pending, stub.history) == (None, [], {})
