"""Providers fail, and pieces end as they should: by a fallback, by an earlier image, or refused."""

import os
import signal
from typing import Any

from tests.e2e.system import System
from tests.eventually import eventually
from tests.generator.replicate.stub import Replicate
from tests.generator.worker_stub import Worker, refusal

BROKEN = refusal(500, "GENERATION_FAILED")
REFUSED = {"status": "failed", "error": "no more"}


def piece_of(system: System, task: dict[str, Any]) -> dict[str, Any]:
    """The only piece of a task that has one."""
    (piece,) = task["result"]["content_pieces"]
    answer = system.client.get(f"/content/pieces/{piece['id']}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_fallback_without_the_avatars_weights_says_so(
    system: System, worker: Worker
) -> None:
    worker.will(BROKEN)
    made = piece_of(system, system.finished(system.order(system.avatar(), 1)))["metadata"]
    assert made["provider"] == "replicate"
    assert (made["level"], made["degraded"], made["degraded_reason"]) == (2, True, "no_lora")


async def test_who_wants_the_avatar_or_nothing_gets_nothing(
    system: System, worker: Worker, replicate: Replicate
) -> None:
    before = len(replicate.of("submit"))
    worker.will(BROKEN)
    task = system.finished(system.order(system.avatar(), 1, allow_degraded=False))
    assert [reason["reason"] for reason in task["reasons"]] == ["providers_exhausted"]
    assert len(replicate.of("submit")) == before


async def test_an_earlier_image_stands_in_and_costs_nothing(
    system: System, worker: Worker, replicate: Replicate
) -> None:
    avatar = system.avatar()
    earlier = piece_of(system, system.finished(system.order(avatar, 1)))
    assert (earlier["metadata"]["level"], earlier["metadata"]["source"]) == (1, "generated")
    worker.will(BROKEN)
    replicate.states = [REFUSED]
    task = system.finished(system.order(avatar, 1))
    piece = piece_of(system, task)
    made = piece["metadata"]
    assert (made["level"], made["source"], made["degraded"]) == (3, "cached", True)
    assert made["cached_from"] == earlier["id"]
    assert float(made["cost"]) == 0
    assert task["cost_usd"] == 0
    # A file of its own: taking one away leaves the other.
    assert piece["url"] != earlier["url"]
    rows = await system.rows(
        "select provider, outcome, cost_usd_micros from attempts where piece_id = $1", piece["id"]
    )
    assert sorted((row["provider"], row["outcome"]) for row in rows) == [
        ("modal_sdxl_lora", "failed"),
        ("replicate", "failed"),
    ]
    assert sum(row["cost_usd_micros"] for row in rows) == 0


async def test_without_any_image_the_caller_hears_that_all_have_failed(
    system: System, worker: Worker, replicate: Replicate
) -> None:
    worker.will(BROKEN)
    replicate.states = [REFUSED]
    body = {"avatar_id": system.avatar(), "platform": "instagram", "custom_prompt": "by the sea"}
    answer = system.client.post("/content/generate", json=body)
    assert (answer.status_code, answer.json()["code"]) == (502, "providers_exhausted")


async def test_a_prediction_that_was_submitted_outlives_the_generator(
    system: System, worker: Worker, replicate: Replicate
) -> None:
    before = len(replicate.of("submit"))
    worker.will(BROKEN)
    replicate.states = [{"status": "processing"}]
    task_id = system.order(system.avatar(), 1)
    await eventually(lambda: len(replicate.of("submit")) > before, 60)
    looked = len(replicate.of("look"))
    await eventually(lambda: len(replicate.of("look")) > looked, 60)
    killed = system.pid("generator")
    os.kill(killed, signal.SIGKILL)
    await eventually(lambda: system.replaced("generator", killed), 60)
    replicate.looked.clear()
    replicate.states = [replicate.succeeded()]
    made = piece_of(system, system.finished(task_id, timeout_s=120))["metadata"]
    assert made["provider"] == "replicate"
    assert len(replicate.of("submit")) == before + 1
    rows = await system.rows(
        "select outcome, call_id, cost_usd_micros from attempts "
        "where task_id = $1 and provider = 'replicate'",
        task_id,
    )
    assert [(row["outcome"], row["cost_usd_micros"] > 0) for row in rows] == [("succeeded", True)]


async def test_operators_see_the_providers_and_their_calls(system: System) -> None:
    def is_told() -> bool:
        answer = system.client.get("/providers")
        return answer.status_code == 200 and not answer.json()["away"]

    # The generator may just have been replaced.
    await eventually(is_told, 60)
    answer = system.client.get("/providers")
    by_name = {provider["name"]: provider for provider in answer.json()["providers"]}
    assert list(by_name) == ["modal_sdxl_lora", "replicate"]
    assert by_name["replicate"]["keeps_likeness"] is False
    health = system.client.get("/content/health").json()
    assert set(health["checks"]["providers"]["detail"]) == set(by_name)
