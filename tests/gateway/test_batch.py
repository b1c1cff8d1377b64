"""Batches: followed, or waited for."""

from typing import Any

import httpx2
import pytest

from shared.calls import Reason, StageCounts, TaskState
from shared.content import Lane
from tests.gateway.conftest import ORIGIN, World

PATH = "/api/v1/content/batch"


async def test_a_batch_is_accepted_before_it_is_answered(
    world: World, client: httpx2.AsyncClient
) -> None:
    answer = await client.post(PATH, json={"avatar_id": "ada"})
    assert answer.status_code == 202, answer.text
    body = answer.json()
    task = world.backend.accepted[body["task_id"]]
    assert answer.headers["location"] == f"{ORIGIN}/api/v1/content/tasks/{body['task_id']}"
    assert body["status"] == "queued"
    assert (body["estimated_time_minutes"], body["estimated_cost_usd"]) == (5, 0.5)
    assert '"estimated_cost_usd":0.5,' in answer.text
    assert len(task.briefs) == 50
    assert task.lane is Lane.BULK
    tiers = [brief.tier.value for brief in task.briefs]
    assert [tiers.count(tier) for tier in ("capa1", "capa2", "capa3")] == [30, 15, 5]


@pytest.mark.parametrize(("pieces", "seconds"), [(1, 900), (50, 900), (51, 1800), (500, 9000)])
async def test_the_deadline_grows_by_blocks_of_fifty_pieces(
    world: World, client: httpx2.AsyncClient, pieces: int, seconds: int
) -> None:
    answer = await client.post(PATH, json={"avatar_id": "ada", "num_pieces": pieces})
    task = world.backend.accepted[answer.json()["task_id"]]
    assert (task.deadline_at - task.accepted_at).total_seconds() == seconds


async def test_custom_prompts_come_first_with_their_tiers(
    world: World, client: httpx2.AsyncClient
) -> None:
    order = {
        "avatar_id": "ada",
        "num_pieces": 4,
        "custom_prompts": ["in a kayak", "on a train"],
        "custom_tiers": ["capa2"],
        "include_hooks": False,
        "upload_to_storage": False,
    }
    answer = await client.post(PATH, json=order)
    task = world.backend.accepted[answer.json()["task_id"]]
    assert [brief.prompt.endswith("in a kayak") for brief in task.briefs[:2]] == [True, False]
    assert [brief.tier.value for brief in task.briefs[:2]] == ["capa2", "capa1"]
    assert [brief.template_id is None for brief in task.briefs] == [True, True, False, False]
    assert all(brief.safety_check for brief in task.briefs)
    assert not any(brief.include_hooks or brief.upload_to_storage for brief in task.briefs)


async def test_the_echoed_order_never_grows_with_its_prompts(
    world: World, client: httpx2.AsyncClient
) -> None:
    order = {"avatar_id": "ada", "num_pieces": 400, "custom_prompts": ["x" * 2000] * 400}
    answer = await client.post(PATH, json=order)
    task = world.backend.accepted[answer.json()["task_id"]]
    assert task.config["custom_prompts"] == 400
    assert len(str(task.config)) < 1000


async def test_the_avatars_own_settings_reach_every_piece(
    world: World, client: httpx2.AsyncClient
) -> None:
    world.backend.avatar(
        trigger_word="ohwx woman",
        negative_prompt="blurry",
        lora_scale=0.7,
        meta_data={
            "personality": {"tone": "dry", "language": "de"},
            "generation_config": {"steps": 40, "cfg_scale": 7},
        },
    )
    answer = await client.post(PATH, json={"avatar_id": "ada", "num_pieces": 3})
    for brief in world.backend.accepted[answer.json()["task_id"]].briefs:
        assert brief.prompt.startswith("ohwx woman, portrait of a woman")
        assert brief.negative_prompt.startswith("blurry, ")
        assert (brief.steps, brief.cfg_scale, brief.lora.scale) == (40, 7, 0.7)
        assert (brief.personality_tone, brief.language) == ("dry", "de")


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"num_pieces": 0}, "validation_error", "num_pieces"),
        ({"num_pieces": 501}, "validation_error", "num_pieces"),
        (
            {"tier_distribution": {"capa1_ratio": 0.5, "capa2_ratio": 0.3, "capa3_ratio": 0.1}},
            "ratios_do_not_sum_to_one",
            "tier_distribution",
        ),
        (
            {"tier_distribution": {"capa1_ratio": 1.5}},
            "validation_error",
            "tier_distribution.capa1_ratio",
        ),
        (
            {"tier_distribution": {"capa9_ratio": 1}},
            "validation_error",
            "tier_distribution.capa9_ratio",
        ),
        ({"custom_prompts": ["a", " "]}, "validation_error", "custom_prompts.1"),
        (
            {"num_pieces": 1, "custom_prompts": ["a", "b"]},
            "too_many_custom_prompts",
            "custom_prompts",
        ),
        ({"custom_tiers": ["capa1"]}, "too_many_custom_tiers", "custom_tiers"),
        ({"custom_prompts": ["a\0"]}, "validation_error", "custom_prompts.0"),
        ({"priority": "high"}, "validation_error", "priority"),
        ({"safety_check": False}, "safety_check_required", "safety_check"),
    ],
)
async def test_orders_that_cannot_be_planned_are_refused_and_named(
    world: World,
    client: httpx2.AsyncClient,
    change: dict[str, object],
    code: str,
    field: str,
) -> None:
    answer = await client.post(PATH, json={"avatar_id": "ada"} | change)
    assert answer.status_code == 422, answer.text
    assert (answer.json()["code"], answer.json()["field"]) == (code, field)
    assert not world.backend.accepted


async def test_a_batch_of_an_avatar_without_weights_is_refused(
    world: World, client: httpx2.AsyncClient
) -> None:
    world.backend.avatar(lora_weights_url=None)
    answer = await client.post(PATH, json={"avatar_id": "ada"})
    assert answer.status_code == 400
    assert answer.json()["detail"] == "Avatar has no trained LoRA weights"


async def test_a_batch_that_is_waited_for_is_answered_with_its_totals(
    world: World, client: httpx2.AsyncClient
) -> None:
    world.finish_at_once()
    answer = await client.post(f"{PATH}/sync", json={"avatar_id": "ada", "num_pieces": 10})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    (task,) = world.backend.accepted.values()
    assert task.lane is Lane.INTERACTIVE
    assert body["success"] is True
    assert body["total_pieces"] == len(body["content_pieces"]) == 10
    assert body["statistics"] == {
        "tier_distribution": {"capa1": 6, "capa2": 3, "capa3": 1},
        "safety_distribution": {"safe": 10},
        "total_cost": 0.1,
        "total_generation_time": 12.0,
    }
    assert body["config"]["num_pieces"] == 10
    assert body["config"]["tier_distribution"]["capa1_ratio"] == 0.6


async def test_a_large_batch_waits_in_the_bulk_lane(
    world: World, client: httpx2.AsyncClient
) -> None:
    world.finish_at_once()
    await client.post(f"{PATH}/sync", json={"avatar_id": "ada", "num_pieces": 11})
    (task,) = world.backend.accepted.values()
    assert task.lane is Lane.BULK


async def test_partial_success_is_success_with_reasons(
    world: World, client: httpx2.AsyncClient
) -> None:
    async def lose_one(task: Any) -> None:
        world.backend.deliver(task.task_id, 0)
        reason = Reason(piece_id="p", state="failed", reason="deadline")
        counts = StageCounts(requested=2, persisted=1, failed=1)
        world.backend.end(task.task_id, reasons=(reason,), counts=counts)
        await world.wire.completed(task.task_id)

    world.backend.on_accept = lose_one
    answer = await client.post(f"{PATH}/sync", json={"avatar_id": "ada", "num_pieces": 2})
    assert answer.json()["success"] is True
    assert answer.json()["total_pieces"] == 1
    assert [reason["reason"] for reason in answer.json()["reasons"]] == ["deadline"]


async def test_a_batch_without_any_piece_is_no_success(
    world: World, client: httpx2.AsyncClient
) -> None:
    async def fail(task: Any) -> None:
        world.backend.end(task.task_id, TaskState.FAILED)
        await world.wire.completed(task.task_id)

    world.backend.on_accept = fail
    answer = await client.post(f"{PATH}/sync", json={"avatar_id": "ada", "num_pieces": 2})
    assert answer.status_code == 200
    assert answer.json()["success"] is False


async def test_a_batch_longer_than_the_wait_goes_on(world: World) -> None:
    async with world.client(generate_timeout_s=0.05, look_every_s=0.02) as client:
        answer = await client.post(f"{PATH}/sync", json={"avatar_id": "ada", "num_pieces": 2})
    (task_id,) = world.backend.accepted
    assert answer.status_code == 504
    assert answer.headers["location"].endswith(task_id)


async def test_a_result_larger_than_one_reply_is_collected_page_by_page(
    world: World, client: httpx2.AsyncClient
) -> None:
    world.finish_at_once()
    answer = await client.post(f"{PATH}/sync", json={"avatar_id": "ada", "num_pieces": 120})
    pieces = answer.json()["content_pieces"]
    assert len({piece["id"] for piece in pieces}) == 120
    assert world.backend.asked.count("ledger.piece.list") == 3


async def test_more_than_nine_of_ten_template_lookups_of_a_batch_are_hits(
    client: httpx2.AsyncClient,
) -> None:
    await client.post(PATH, json={"avatar_id": "ada", "num_pieces": 50})
    health = (await client.get("/api/v1/content/health")).json()
    performance = health["template_library"]["cache_performance"]
    assert performance["cache_misses"] == 1
    assert performance["total_calls"] == performance["cache_hits"] + 1
    assert performance["total_calls"] >= 50
    assert performance["hit_rate_percent"] > 90


ONLY_CAPA1 = {"capa1_ratio": 1, "capa2_ratio": 0, "capa3_ratio": 0}


async def test_capa1_pieces_by_templates_may_go_unjudged_but_never_unscreened(
    world: World, client: httpx2.AsyncClient
) -> None:
    order = {"num_pieces": 4, "tier_distribution": ONLY_CAPA1, "safety_check": False}
    answer = await client.post(PATH, json={"avatar_id": "ada"} | order)
    assert answer.status_code == 202, answer.text
    (task,) = world.backend.accepted.values()
    assert [brief.safety_check for brief in task.briefs] == [False] * 4
    assert task.config["safety_check"] is False
    assert sum(len(request.texts) for request in world.backend.screened) == 4


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({}, "capa2"),
        ({"tier_distribution": {"capa1_ratio": 0, "capa2_ratio": 0, "capa3_ratio": 1}}, "capa3"),
        ({"tier_distribution": ONLY_CAPA1, "custom_prompts": ["by the sea"]}, "prompt"),
        ({"custom_prompts": ["a", "b"], "custom_tiers": ["capa1", "capa3"]}, "prompt"),
    ],
    ids=str,
)
async def test_what_else_would_go_unjudged_is_refused_with_its_reason(
    world: World, client: httpx2.AsyncClient, change: dict[str, object], why: str
) -> None:
    order = {"avatar_id": "ada", "num_pieces": 6, "safety_check": False} | change
    for path in (PATH, f"{PATH}/sync"):
        answer = await client.post(path, json=order)
        assert (answer.status_code, answer.json()["code"]) == (422, "safety_check_required")
        assert answer.json()["field"] == "safety_check"
        assert why in answer.json()["detail"]
    assert not world.backend.accepted
