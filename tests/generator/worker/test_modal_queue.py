"""The polling form on Modal: orders become calls of the function, results are looked up there."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import modal
import pytest
from modal_proto import api_pb2 as api
from pydantic import SecretStr

from deploy.modal import app as deployed
from deploy.modal.job_queue import Result, UnknownCall, application
from deploy.modal.plan import ModalPlan, container_environment
from deploy.modal.spawned import SpawnedCalls
from tests.generator.modal.function_server import (
    CALL,
    Step,
    ends,
    expired,
    function_server,
    returns,
    unfinished,
)
from tests.generator.worker.served import LINK, TOKEN

SUBMIT, RESULT = "/generate-image/submit", f"/generate-image/result/{CALL}"
GENERIC = api.GenericResult


@dataclass
class Kept:
    """Calls that a test ends."""

    result_of: dict[str, Result | None] = field(default_factory=dict)
    spawned: list[Mapping[str, Any]] = field(default_factory=list)

    async def spawn(self, order: Mapping[str, Any]) -> str:
        self.spawned.append(order)
        self.result_of[CALL] = None
        return CALL

    async def result(self, call_id: str) -> Result | None:
        if call_id not in self.result_of:
            raise UnknownCall
        return self.result_of[call_id]


@asynccontextmanager
async def asked(app: Any, token: str | None = TOKEN) -> AsyncIterator[httpx2.AsyncClient]:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://queue", headers=headers
    ) as client:
        yield client


async def test_an_order_is_handed_on_and_polled_for() -> None:
    calls = Kept()
    async with asked(application(calls, SecretStr(TOKEN))) as client:
        submitted = await client.post(SUBMIT, json={"prompt": "a lake", "lora_url": LINK})
        running = await client.get(RESULT)
        calls.result_of[CALL] = {"image_base64": "aGk="}
        done = await client.get(RESULT)
    assert (submitted.status_code, submitted.json()) == (202, {"call_id": CALL})
    assert (calls.spawned[0]["lora_url"], calls.spawned[0]["steps"]) == (LINK, 28)
    assert (running.status_code, running.headers["retry-after"]) == (202, "2")
    assert (done.status_code, done.json()) == (200, {"image_base64": "aGk="})


async def test_a_failure_has_its_status() -> None:
    calls = Kept({CALL: {"error": "no", "error_code": "LORA_LOAD_FAILED"}})
    async with asked(application(calls, SecretStr(TOKEN))) as client:
        answer = await client.get(RESULT)
    assert (answer.status_code, answer.json()["error_code"]) == (422, "LORA_LOAD_FAILED")


async def test_what_is_no_order_spends_no_gpu() -> None:
    calls = Kept()
    async with asked(application(calls, SecretStr(TOKEN))) as client:
        wrong = await client.post(SUBMIT, json={"prompt": "a lake", "steps": 1})
        large = await client.post(SUBMIT, json={"prompt": "x" * 100_000})
        lost = await client.get(f"{RESULT}x")
    assert (wrong.status_code, wrong.json()["error_code"]) == (422, "INVALID_REQUEST")
    assert (large.status_code, lost.status_code) == (413, 404)
    assert calls.spawned == []


async def test_the_deployed_queue_answers_whoever_has_the_token(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WORKER_API_TOKEN", TOKEN)
    app = deployed.queue.local()
    async with asked(app, token=None) as client:
        nobody = await client.post(SUBMIT, json={})
    async with asked(app) as client:
        wrong = await client.post(SUBMIT, json={})
    assert (nobody.status_code, wrong.status_code) == (401, 422)


@pytest.mark.parametrize(
    ("step", "result"),
    [
        (unfinished(), None),
        (returns({"image_base64": "aGk="}), {"image_base64": "aGk="}),
        (ends(GENERIC.GENERIC_STATUS_FAILURE), "GENERATION_FAILED"),
        (ends(GENERIC.GENERIC_STATUS_TIMEOUT), "TIMEOUT"),
        (expired(), UnknownCall),
    ],
)
async def test_a_call_is_looked_up_at_modal(
    step: Step, result: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with function_server(FunctionGetOutputs=[step]) as server:
        monkeypatch.setenv("MODAL_SERVER_URL", f"http://127.0.0.1:{server.port}")
        client = await modal.Client.from_credentials.aio("ak-canary", "as-canary")
        try:
            calls = SpawnedCalls(deployed.generate_image, client)
            if result is UnknownCall:
                with pytest.raises(UnknownCall):
                    await calls.result(CALL)
                return
            told = await calls.result(CALL)
        finally:
            await client.close.aio()
    assert (told["error_code"] if isinstance(result, str) and told else told) == result
    assert "canary" not in str(told)


def test_containers_are_told_the_settings_and_no_secret() -> None:
    deployer = {
        "SDXL_MODEL": "/cache/model",
        "ATELIER_MODAL_GPU": "H100",
        "WORKER_API_TOKEN": "canary",
        "MODAL_TOKEN_SECRET": "canary",
        "HF_TOKEN": "canary",
    }
    told = container_environment(deployer)
    assert told["SDXL_MODEL"] == "/cache/model"
    assert told["SDXL_DEVICE"] == "cuda"
    assert told["ATELIER_MODAL_GPU"] == "H100"
    assert "canary" not in told.values()


def test_a_plan_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATELIER_MODAL_GPU", "H100,A100")
    monkeypatch.setenv("ATELIER_MODAL_SNAPSHOT", "false")
    monkeypatch.setenv("SDXL_MAX_BATCH", "4")
    plan = ModalPlan()
    assert plan.gpu == ("H100", "A100")
    assert (plan.snapshot, plan.batch, plan.orders_at_a_time) == (False, 4, 8)
