"""What goes wrong when a workflow is submitted, and what the router makes of it."""

import socket

import pytest

from shared.outcomes import GiveUp
from tests.builders import content_requested
from tests.generator.comfyui.atelier import Atelier, Comfy
from tests.generator.comfyui.comfy_stub import ComfyStub, Run
from tests.generator.comfyui.wire import Reply, as_json


def refused(*places: tuple[str, str], kind: str = "prompt_outputs_failed_validation") -> Reply:
    errors: dict[str, dict[str, object]] = {}
    for node, name in places:
        error = {
            "type": "value_not_in_list",
            "message": "Value not in list",
            "details": f"{name}: 'canary' not in list",
            "extra_info": {"input_name": name, "received_value": "canary"},
        }
        errors[node] = {"errors": [error], "dependent_outputs": ["save"], "class_type": "X"}
    error = {"type": kind, "message": "no", "details": "canary", "extra_info": {}}
    return as_json({"error": error, "node_errors": errors or []}, 400)


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (refused(("positive", "text")), "INVALID_PROMPT"),
        (refused(("negative", "text")), "INVALID_PROMPT"),
        (refused(("checkpoint", "ckpt_name")), "MODEL_LOAD_FAILED"),
        (refused(("avatar", "link")), "REFUSED"),
        (refused(("sampler", "steps")), "REFUSED"),
        (refused(("sampler", "scheduler")), "GENERATION_FAILED"),
        (refused(kind="invalid_prompt"), "GENERATION_FAILED"),
        (Reply(400, b"<html>oops</html>"), "GENERATION_FAILED"),
        (Reply(302, headers={"Location": "http://127.0.0.1:9/prompt"}), "REFUSED"),
        (Reply(403), "UNAUTHORIZED"),
        (Reply(500, b"<html>oops</html>"), "SERVER_ERROR"),
        (Reply(503), "SERVER_ERROR"),
        (Reply(429), "RATE_LIMITED"),
    ],
)
async def test_a_refusal_says_whose_fault_it_is_and_left_no_job(
    comfy: Comfy, stub: ComfyStub, reply: Reply, code: str
) -> None:
    stub.fails("/prompt", reply)
    failure = await comfy.failure()
    assert (failure.code, failure.outcome) == (code, "failed")
    assert "canary" not in f"{failure} {failure.detail}"
    assert comfy.notes.ids == []
    await comfy.clearing.finish()
    assert stub.told("/queue") == stub.told("/history") == []


@pytest.mark.parametrize(
    ("value", "at_least", "at_most"),
    [("7", 7.0, 7.0), ("Thu, 01 Jan 2099 00:00:00 GMT", 10.0**6, 10.0**10)],
)
async def test_too_many_requests_tells_how_long_to_wait(
    comfy: Comfy, stub: ComfyStub, value: str, at_least: float, at_most: float
) -> None:
    stub.fails("/prompt", Reply(429, headers={"Retry-After": value}))
    failure = await comfy.failure()
    assert failure.retry_after_s is not None
    assert at_least <= failure.retry_after_s <= at_most


async def test_nobody_listening_is_a_connection_failure_that_cost_nothing(
    comfy: Comfy, stub: ComfyStub
) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))  # nobody else may listen there, and we do not
        nowhere = f"http://127.0.0.1:{sock.getsockname()[1]}"
        failure = await Comfy(nowhere, comfy.client).failure()
    assert (failure.code, failure.outcome) == ("CONNECTION", "failed")


LOST = {
    "reset": Reply(resets=True),
    "hung": Reply(hangs=True),
    "cut": Reply(200, b'{"prompt_id": "', cut_at=3),
    "html": Reply(200, b"<html>queued</html>", {"Content-Type": "text/html"}),
    "drip": Reply(200, b" " * 100, drip_s=0.1),
    "strange id": as_json({"prompt_id": "../../x"}),
}


@pytest.mark.parametrize("reply", LOST.values(), ids=LOST.keys())
async def test_a_job_whose_submission_was_not_answered_is_found_and_not_bought_again(
    comfy: Comfy, stub: ComfyStub, reply: Reply
) -> None:
    stub.loses_answer("/prompt", reply)
    assert (await comfy.generate()).data
    assert len(stub.prompts) == 1
    assert comfy.notes.ids == [stub.prompts[0]["prompt_id"]]


@pytest.mark.parametrize("reply", LOST.values(), ids=LOST.keys())
async def test_a_submission_that_left_no_trace_has_an_unknown_outcome(
    comfy: Comfy, stub: ComfyStub, reply: Reply
) -> None:
    stub.fails("/prompt", reply)
    failure = await comfy.failure()
    assert failure.code in {"CONNECTION", "TIMEOUT", "BAD_RESPONSE"}
    assert failure.outcome == "unknown"
    assert comfy.notes.ids == []


async def test_an_older_server_whose_answer_was_lost_is_not_believed_to_have_our_id(
    comfy: Comfy, stub: ComfyStub
) -> None:
    stub.takes_wanted_ids = False
    stub.runs.append(Run(held=True))
    stub.loses_answer("/prompt", Reply(resets=True))
    failure = await comfy.failure()
    assert failure.outcome == "unknown"


@pytest.mark.parametrize(
    ("reply", "recorded"),
    [
        (Reply(503), ("failed", "SERVER_ERROR")),
        (Reply(429, headers={"Retry-After": "1"}), ("failed", "RATE_LIMITED")),
        (Reply(resets=True), ("unknown", "CONNECTION")),
        (refused(("checkpoint", "ckpt_name")), ("failed", "MODEL_LOAD_FAILED")),
    ],
)
async def test_nothing_is_tried_there_again_and_the_next_provider_is_asked(
    comfy: Comfy, stub: ComfyStub, reply: Reply, recorded: tuple[str, str]
) -> None:
    stub.fails("/prompt", reply)
    atelier = Atelier(comfy.provider)
    generated = await atelier.generate(content_requested())
    assert generated.generation.provider == "next"
    assert atelier.codes == [recorded, ("succeeded", None)]


async def test_without_fallback_nobody_else_is_asked(comfy: Comfy, stub: ComfyStub) -> None:
    stub.fails("/prompt", Reply(503))
    atelier = Atelier(comfy.provider, is_last=True)
    with pytest.raises(GiveUp) as gave_up:
        await atelier.generate(content_requested())
    assert gave_up.value.reason == "providers_exhausted"
    assert (atelier.codes, atelier.next_one.calls) == ([("failed", "SERVER_ERROR")], 0)


async def test_a_prompt_that_is_refused_fails_the_piece(comfy: Comfy, stub: ComfyStub) -> None:
    stub.fails("/prompt", refused(("positive", "text")))
    atelier = Atelier(comfy.provider)
    with pytest.raises(GiveUp) as gave_up:
        await atelier.generate(content_requested())
    assert gave_up.value.reason == "invalid_prompt"
    assert atelier.next_one.calls == 0


async def test_what_works_is_on_record_with_its_note(comfy: Comfy, stub: ComfyStub) -> None:
    atelier = Atelier(comfy.provider)
    generated = await atelier.generate(content_requested())
    assert atelier.codes == [("succeeded", None)]
    assert [call for _, call in atelier.attempts.noted] == [stub.prompts[0]["prompt_id"]]
    assert generated.generation.cost_usd_micros == 0
