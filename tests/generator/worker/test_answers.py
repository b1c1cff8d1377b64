"""What the worker answers over a socket: the image, or every code with its status."""

import asyncio
import base64
import json
import re

import pytest
from prometheus_client import CollectorRegistry

from docs.generate import DOCS
from services.generator.sdxl.wishes import (
    EngineHealth,
    EngineState,
    FailureCode,
    NoPicture,
    QueueFull,
    Wish,
)
from services.generator.worker.answers import answer_bytes
from services.generator.worker.figures import Figures
from services.generator.worker.making import Making
from services.generator.worker.refusals import STATUS, DoorCode
from tests.eventually import eventually
from tests.generator.worker.engines import PNG, SHA256, CannedEngine
from tests.generator.worker.served import LINK, served


async def test_an_order_becomes_an_image_in_the_words_of_the_contract() -> None:
    async with served(CannedEngine()) as worker:
        answer = await worker.order(
            lora_url=LINK, lora_scale=0.9, width=768, height=512, steps=30, cfg=7, seed=3
        )
    told = answer.json()
    assert base64.b64decode(told.pop("image_base64"), validate=True) == PNG
    assert (answer.status_code, told) == (
        200,
        {
            "image_size": "768x512",
            "generation_time_seconds": 0.25,
            "model_info": {
                "base_model": "tiny-sdxl",
                "lora_applied": True,
                "lora_version": SHA256[:12],
                "lora_scale": 0.9,
            },
            "metadata": {"seed_used": 3, "actual_steps": 30, "actual_cfg": 7},
        },
    )
    assert answer.headers["cache-control"] == "no-store"


async def test_without_weights_the_answer_says_so() -> None:
    async with served(CannedEngine()) as worker:
        told = (await worker.order()).json()
    assert told["model_info"] == {
        "base_model": "tiny-sdxl",
        "lora_applied": False,
        "lora_version": None,
        "lora_scale": 0.0,
    }
    assert told["metadata"]["seed_used"] == 7


FAILURES = {
    "INVALID_PROMPT": 422,
    "LORA_DOWNLOAD_FAILED": 502,
    "LORA_LOAD_FAILED": 422,
    "MODEL_LOAD_FAILED": 503,
    "GENERATION_FAILED": 500,
    "TIMEOUT": 504,
    "CUDA_OOM": 503,
}


async def test_each_failure_has_its_status() -> None:
    engine = CannedEngine()
    async with served(engine) as worker:
        for code, status in FAILURES.items():
            wrong = f"what is wrong with {LINK}"
            engine.failure = NoPicture(FailureCode(code), wrong, retry_after_s=2.5)
            answer = await worker.order(lora_url=LINK)
            assert (answer.status_code, answer.headers["retry-after"]) == (status, "3")
            assert answer.json() == {
                "error": "what is wrong with https://bucket.example/loras/ada.safetensors?***",
                "error_code": code,
                "retry_after": 2.5,
            }
            assert worker.counted(code) == 1


def test_every_code_has_a_status() -> None:
    assert set(FAILURES) == set(FailureCode)
    assert set(STATUS) == set(FailureCode) | set(DoorCode)


async def test_what_nobody_foresaw_is_told_without_its_words(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with served(CannedEngine(RuntimeError(f"canary {LINK}"))) as worker:
        answer = await worker.order(lora_url=LINK)
    assert (answer.status_code, answer.json()["error_code"]) == (500, "GENERATION_FAILED")
    said = capsys.readouterr()
    assert "RuntimeError" in said.out + said.err
    assert "canary" not in said.out + said.err + answer.text


async def test_no_log_and_no_answer_shows_link_token_or_prompt(
    capsys: pytest.CaptureFixture[str],
) -> None:
    failure = NoPicture(FailureCode.LORA_DOWNLOAD_FAILED, "404 from there")
    engine = CannedEngine()
    async with served(engine) as worker:
        told = [await worker.order(prompt="canary", lora_url=LINK)]
        engine.failure = failure
        told.append(await worker.order(prompt="canary", lora_url=LINK))
        told.append(await worker.order(prompt="canary", lora_url=LINK, steps=1))
        told.append(await worker.client.get("/health"))
    said = capsys.readouterr()
    assert "worker.made" in said.out + said.err
    assert "canary" not in said.out + said.err + "".join(each.text for each in told)


async def test_a_bug_is_told_without_its_words() -> None:
    class Broken(CannedEngine):
        def health(self) -> EngineHealth:
            if self.asked:
                raise RuntimeError("canary")
            return super().health()

    async with served(Broken()) as worker:
        await worker.order()
        answer = await worker.client.get("/health")
        worker.door.making.engine.asked.clear()  # type: ignore[attr-defined]
    assert (answer.status_code, answer.json()["error_code"]) == (500, "INTERNAL_ERROR")
    assert "canary" not in answer.text


def test_every_code_and_its_status_are_in_the_contract() -> None:
    contract = (DOCS / "worker-contract.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\d, ]+) \| ([`A-Z_, ]+) \|", contract, re.MULTILINE)
    told = {
        (code, status)
        for statuses, codes in rows
        for code, status in _pairs(codes.replace("`", "").split(", "), statuses.split(", "))
    }
    assert told == {(code.value, str(status)) for code, status in STATUS.items()}


def _pairs(codes: list[str], statuses: list[str]) -> list[tuple[str, str]]:
    return list(zip(codes, statuses if len(statuses) > 1 else statuses * len(codes), strict=True))


async def test_who_comes_when_all_is_full_is_told_when_to_come_back() -> None:
    engine = CannedEngine()
    engine.pause()
    async with served(engine, most=2) as worker:
        waiting = [asyncio.create_task(worker.order()) for _ in range(2)]
        await eventually(lambda: len(engine.asked) == 2)
        full = await worker.order()
        health = await worker.client.get("/health")
        engine.may_go_on.set()
        assert [(await each).status_code for each in waiting] == [200, 200]
        assert (await worker.order()).status_code == 200
        assert (worker.counted("QUEUE_FULL"), worker.counted("made")) == (1, 3)
    assert (full.status_code, full.json()["error_code"]) == (429, "QUEUE_FULL")
    assert full.json()["retry_after"] == int(full.headers["retry-after"]) == 10
    assert health.status_code == 200


async def test_a_queue_that_is_full_inside_the_engine_reads_the_same() -> None:
    async with served(CannedEngine(QueueFull(4.0))) as worker:
        answer = await worker.order()
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "4")


async def test_an_order_that_takes_longer_than_its_timeout_ends() -> None:
    engine = CannedEngine()
    engine.pause()
    making = Making(engine, Figures(CollectorRegistry()), most=1)
    made = await making.begin(Wish("a lake", limit_s=0.01), answer_bytes)
    assert made.refusal is not None
    assert (made.refusal.status, made.refusal.code) == (504, FailureCode.TIMEOUT)
    assert (engine.cancelled, making.under_way) == (1, 0)


async def test_who_leaves_takes_the_order_along() -> None:
    engine = CannedEngine()
    engine.pause()
    async with served(engine) as worker:
        order = asyncio.create_task(worker.order())
        await eventually(lambda: engine.asked)
        order.cancel()
        await eventually(lambda: not worker.door.making.under_way)
        assert (engine.cancelled, worker.counted("gone")) == (1, 1)
        engine.may_go_on.set()
        assert (await worker.order()).status_code == 200


async def test_health_is_told_to_everybody_even_while_it_works() -> None:
    engine = CannedEngine(detail=f"the last one was {LINK}")
    engine.pause()
    async with served(engine) as worker:
        order = asyncio.create_task(worker.order(lora_url=LINK))
        del worker.client.headers["authorization"]
        answer = await worker.client.get("/health")
        assert (answer.status_code, answer.json()) == (
            200,
            {
                "status": "ready",
                "detail": "the last one was https://bucket.example/loras/ada.safetensors?***",
                "model": "tiny-sdxl",
                "device": "cpu",
                "slots": {"all": 4, "taken": 1},
                "queue": {"running": 0, "waiting": 0, "room": 32},
            },
        )
        for state, status in (("loading", 503), ("degraded", 200)):
            engine.state = EngineState(state)
            answer = await worker.client.get("/health")
            assert (answer.status_code, answer.json()["status"]) == (status, state)
        engine.may_go_on.set()
        await order


async def test_an_image_of_megabytes_arrives_whole() -> None:
    png = PNG * 10_000
    async with served(CannedEngine(png=png)) as worker:
        answer = await worker.order()
    assert base64.b64decode(json.loads(answer.content)["image_base64"]) == png


async def test_figures_tell_how_long_images_take() -> None:
    async with served(CannedEngine()) as worker:
        await worker.order()
        assert worker.registry.get_sample_value("atelier_worker_image_seconds_count") == 1
