"""One piece, waited for."""

import asyncio
from typing import Any

import httpx2
import pytest

from shared.calls import Reason, StageCounts, TaskState
from shared.content import Lane
from shared.problems import Problem
from tests.eventually import eventually
from tests.gateway.conftest import ORIGIN, World

LIMIT_S = 30  # half of what the next look would take
PATH = "/api/v1/content/generate"
ORDER = {"avatar_id": "ada", "custom_prompt": "reading by a window", "platform": "x"}


async def test_a_finished_piece_is_answered_with_all_that_it_was_made_with(
    world: World, client: httpx2.AsyncClient
) -> None:
    world.finish_at_once()
    answer = await client.post(PATH, json=ORDER | {"seed": 7})
    assert answer.status_code == 200, answer.text
    piece = answer.json()
    assert piece["url"] == f"{ORIGIN}/objects/content/ada/{piece['id']}_t.png"
    assert piece["thumbnail_url"] == f"{ORIGIN}/objects/content/ada/{piece['id']}_t_thumb.jpg"
    assert piece["content_type"] == "image"
    assert piece["access_tier"] == "capa1"
    assert piece["safety_rating"] == "safe"
    assert piece["hook_text"] == piece["metadata"]["hooks"][0]
    assert piece["metadata"]["provider"] == "preview"
    assert piece["metadata"]["degraded"] is False
    assert piece["metadata"]["generation_params"] == {
        "prompt": "TOK_ada, portrait of a woman in her thirties reading by a window",
        "seed": 7,
        "steps": 28,
        "cfg_scale": 5.5,
        "width": 1024,
        "height": 1024,
        "lora_scale": 0.9,
        "made_with": None,
    }


async def test_money_and_time_are_exact_numbers(world: World, client: httpx2.AsyncClient) -> None:
    world.finish_at_once()
    answer = await client.post(PATH, json=ORDER)
    assert '"cost":0.01,' in answer.text
    assert '"generation_time":1.2,' in answer.text


async def test_somebody_waits_so_the_order_takes_the_interactive_lane(
    world: World, client: httpx2.AsyncClient
) -> None:
    world.finish_at_once()
    await client.post(PATH, json=ORDER)
    (task,) = world.backend.accepted.values()
    assert task.lane is Lane.INTERACTIVE
    assert task.kind == "single"
    assert (task.deadline_at - task.accepted_at).total_seconds() == 900


async def test_accepting_may_take_long_but_looking_never_outlasts_the_wait(world: World) -> None:
    async with world.client(generate_timeout_s=0.05, look_every_s=0.02) as client:
        await client.post(PATH, json=ORDER)
    assert world.backend.limits_s["ledger.task.accept"] == 15
    assert world.backend.limits_s["ledger.task.get"] == 1


async def test_after_the_wait_the_answer_names_the_task_that_goes_on(world: World) -> None:
    async with world.client(generate_timeout_s=0.05, look_every_s=0.02) as client:
        answer = await client.post(PATH, json=ORDER)
        (task_id,) = world.backend.accepted
        assert answer.status_code == 504
        problem = answer.json()
        assert problem["code"] == "wait_elapsed"
        assert problem["task_id"] == task_id
        assert problem["task_url"] == answer.headers["location"]
        task = await client.get(answer.headers["location"])
        assert task.json()["state"] == "queued"


async def test_a_completion_that_was_not_heard_is_seen_by_looking(world: World) -> None:
    async def finish_in_silence(task: Any) -> None:
        world.backend.finish(task.task_id)

    world.backend.on_accept = finish_in_silence
    async with world.client(look_every_s=0.02) as client:
        assert (await client.post(PATH, json=ORDER)).status_code == 200


async def test_a_completion_is_answered_at_once_not_at_the_next_look(world: World) -> None:
    async with world.client(look_every_s=60, generate_timeout_s=60) as client:
        request = asyncio.create_task(client.post(PATH, json=ORDER))
        await eventually(lambda: world.backend.accepted)
        (task_id,) = world.backend.accepted
        world.backend.finish(task_id)
        await world.wire.completed("another-task")
        await world.wire.completed(task_id, tenant="another-tenant")
        assert not request.done()
        await world.wire.completed(task_id)
        assert (await asyncio.wait_for(request, LIMIT_S)).status_code == 200


async def test_a_task_that_ends_while_it_is_accepted_is_heard_of(world: World) -> None:
    world.finish_at_once()
    async with world.client(look_every_s=60, generate_timeout_s=60) as client:
        answer = await asyncio.wait_for(client.post(PATH, json=ORDER), LIMIT_S)
    assert answer.status_code == 200


async def test_hearing_too_early_does_not_make_the_ledger_be_asked_again_and_again(
    world: World,
) -> None:
    async with world.client(look_every_s=60, generate_timeout_s=1) as client:
        request = asyncio.create_task(client.post(PATH, json=ORDER))
        await eventually(lambda: world.backend.accepted)
        await world.wire.completed(next(iter(world.backend.accepted)))
        assert (await request).status_code == 504
    assert world.backend.asked.count("ledger.task.get") == 2


async def test_the_wait_survives_a_ledger_that_is_away_for_a_moment(world: World) -> None:
    async with world.client(look_every_s=0.02) as client:
        request = asyncio.create_task(client.post(PATH, json=ORDER))
        await eventually(lambda: world.backend.accepted)
        world.backend.away.add("ledger.task.get")
        seen = len(world.backend.asked)
        await eventually(lambda: len(world.backend.asked) > seen + 2)
        world.backend.away.clear()
        (task_id,) = world.backend.accepted
        world.backend.finish(task_id)
        assert (await request).status_code == 200


async def test_waiting_ends_when_the_process_does(world: World) -> None:
    async with world.client(look_every_s=60, generate_timeout_s=60) as client:
        request = asyncio.create_task(client.post(PATH, json=ORDER))
        await eventually(lambda: world.backend.accepted)
        world.completions.stop_waiting()
        assert (await asyncio.wait_for(request, LIMIT_S)).status_code == 504


async def test_many_waiters_share_one_subscription_and_leave_nothing_behind(world: World) -> None:
    async with world.client(look_every_s=60, generate_timeout_s=60) as client:
        requests = [asyncio.create_task(client.post(PATH, json=ORDER)) for _ in range(50)]
        await eventually(lambda: len(world.backend.accepted) == 50)
        assert world.completions.waiting == 50
        for task_id in world.backend.accepted:
            world.backend.finish(task_id)
            await world.wire.completed(task_id)
        answers = await asyncio.gather(*requests)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 50
    assert len(world.wire.listeners) == 1
    assert world.completions.waiting == 0


async def test_a_client_that_leaves_is_not_waited_for(world: World) -> None:
    async with world.client(look_every_s=60, generate_timeout_s=60) as client:
        request = asyncio.create_task(client.post(PATH, json=ORDER))
        await eventually(lambda: world.completions.waiting)
        request.cancel()
        await eventually(lambda: not world.completions.waiting)
    assert len(world.backend.accepted) == 1


@pytest.mark.parametrize(
    ("reason", "status", "code", "detail"),
    [
        (
            Reason(
                piece_id="p",
                state="failed",
                reason="providers_exhausted",
                detail="BAD_RESPONSE: no image in the answer",
            ),
            502,
            "no_image_returned",
            "Generation succeeded but no image URL/base64 returned",
        ),
        (
            Reason(piece_id="p", state="failed", reason="upload_failed"),
            502,
            "upload_failed",
            "Failed to upload to R2",
        ),
        (
            Reason(piece_id="p", state="failed", reason="providers_exhausted", detail="CUDA_OOM"),
            502,
            "providers_exhausted",
            "The piece failed: providers_exhausted (CUDA_OOM)",
        ),
        (
            Reason(
                piece_id="p",
                state="failed",
                reason="providers_unavailable",
                detail="each has failed too often",
            ),
            503,
            "providers_unavailable",
            "The piece failed: providers_unavailable (each has failed too often)",
        ),
        (
            Reason(piece_id="p", state="failed", reason="invalid_prompt"),
            400,
            "invalid_prompt",
            "The piece failed: invalid_prompt",
        ),
        (
            Reason(piece_id="p", state="rejected", reason="explicit"),
            400,
            "content_rejected",
            "Moderation refused the piece: explicit",
        ),
        (
            Reason(piece_id="p", state="failed", reason="deadline"),
            504,
            "deadline",
            "The piece failed: deadline",
        ),
        (
            Reason(piece_id="p", state="failed", reason="frozen"),
            403,
            "avatar_frozen",
            "The avatar was frozen before the piece was made",
        ),
        (
            Reason(piece_id="p", state="failed", reason="cancelled"),
            409,
            "task_cancelled",
            "The task was cancelled before the piece was made",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_piece_that_could_not_be_made_is_refused_with_its_reason(
    world: World,
    client: httpx2.AsyncClient,
    reason: Reason,
    status: int,
    code: str,
    detail: str,
) -> None:
    async def fail(task: Any) -> None:
        world.backend.fail(task.task_id, reason)
        await world.wire.completed(task.task_id)

    world.backend.on_accept = fail
    answer = await client.post(PATH, json=ORDER)
    assert answer.status_code == status
    assert answer.json()["code"] == code
    assert answer.json()["detail"] == detail
    assert [answer.json()["task_id"]] == list(world.backend.accepted)


async def test_a_piece_that_waits_for_review_is_accepted_but_not_shown(
    world: World, client: httpx2.AsyncClient
) -> None:
    async def hold(task: Any) -> None:
        world.backend.deliver(task.task_id, 0, state="pending_review")
        world.backend.end(
            task.task_id, TaskState.COMPLETED, counts=StageCounts(requested=1, pending_review=1)
        )
        await world.wire.completed(task.task_id)

    world.backend.on_accept = hold
    answer = await client.post(PATH, json=ORDER)
    assert answer.status_code == 202
    assert answer.json()["counts"]["pending_review"] == 1
    assert "/objects/" not in answer.text
    assert answer.headers["location"].endswith(answer.json()["task_id"])


async def test_a_template_gives_prompt_shape_and_tier(
    world: World, client: httpx2.AsyncClient
) -> None:
    world.finish_at_once()
    template = next(t for t in await world.door.library.all() if t.tier.rank == 2)
    order = {"avatar_id": "ada", "template_id": template.id}
    answer = await client.post(PATH, json=order)
    assert answer.status_code == 200, answer.text
    (task,) = world.backend.accepted.values()
    (brief,) = task.briefs
    assert template.prompt in brief.prompt
    assert (brief.width, brief.height) == (template.width, template.height)
    assert (brief.tier, brief.scene, brief.category) == (
        template.tier,
        template.scene,
        template.category,
    )


async def test_a_templates_tier_may_be_raised_but_not_lowered(
    world: World, client: httpx2.AsyncClient
) -> None:
    world.finish_at_once()
    template = next(t for t in await world.door.library.all() if t.tier.rank == 2)
    order = {"avatar_id": "ada", "template_id": template.id}
    lowered = await client.post(PATH, json=order | {"tier": "capa1"})
    assert (lowered.status_code, lowered.json()["code"]) == (422, "tier_below_template")
    assert lowered.json()["field"] == "tier"
    raised = await client.post(PATH, json=order | {"tier": "capa3"})
    assert raised.json()["access_tier"] == "capa3"


async def test_without_words_or_template_the_best_suited_template_is_used(
    world: World, client: httpx2.AsyncClient
) -> None:
    world.finish_at_once()
    answer = await client.post(PATH, json={"avatar_id": "ada", "tier": "capa2"})
    assert answer.status_code == 200, answer.text
    (task,) = world.backend.accepted.values()
    chosen = await world.door.library.get(task.briefs[0].template_id or "")
    assert chosen is not None
    assert chosen.tier == "capa2"
    assert chosen.speaks_to("fitness")


@pytest.mark.parametrize(
    ("change", "status", "code", "field"),
    [
        ({"avatar_id": "nobody"}, 404, "avatar_not_found", "avatar_id"),
        ({"custom_prompt": None, "template_id": "none"}, 404, "template_not_found", "template_id"),
        ({"template_id": "t"}, 422, "validation_error", "body"),
        ({"custom_prompt": "  "}, 422, "validation_error", "custom_prompt"),
        ({"custom_prompt": "x" * 2001}, 422, "validation_error", "custom_prompt"),
        ({"custom_prompt": "a\0b"}, 422, "validation_error", "custom_prompt"),
        ({"platform": "myspace"}, 422, "validation_error", "platform"),
        ({"seed": 2**32}, 422, "validation_error", "seed"),
        ({"seed": -1}, 422, "validation_error", "seed"),
        (
            {"safety_check": False, "custom_prompt": "x"},
            422,
            "safety_check_required",
            "safety_check",
        ),
        ({"safety_check": False, "tier": "capa2"}, 422, "safety_check_required", "safety_check"),
        ({"callback_url": "https://a.example"}, 422, "validation_error", "callback_url"),
        ({"priority": 5}, 422, "validation_error", "priority"),
        ({"num_pieces": 3}, 422, "validation_error", "num_pieces"),
        ({"avatar_id": "a.b"}, 422, "validation_error", "avatar_id"),
    ],
)
async def test_what_cannot_be_met_is_refused_and_named(
    world: World,
    client: httpx2.AsyncClient,
    change: dict[str, object],
    status: int,
    code: str,
    field: str,
) -> None:
    answer = await client.post(PATH, json=ORDER | change)
    assert answer.status_code == status, answer.text
    assert answer.json()["code"] == code
    assert answer.json()["field"] == field
    assert not world.backend.accepted


@pytest.mark.parametrize(
    ("avatar", "code", "detail"),
    [
        (
            {"lora_weights_url": None},
            "avatar_without_lora",
            "Avatar has no trained LoRA weights",
        ),
        ({"stage": "blocked"}, "avatar_blocked", None),
        ({"likeness": {"kind": "consented_person", "name": "A"}}, "consent_not_attested", None),
    ],
)
async def test_an_avatar_that_is_not_ready_is_refused(
    world: World,
    client: httpx2.AsyncClient,
    avatar: dict[str, Any],
    code: str,
    detail: str | None,
) -> None:
    world.backend.avatar(**avatar)
    answer = await client.post(PATH, json=ORDER)
    assert answer.status_code == 400
    assert answer.json()["code"] == code
    assert detail in {None, answer.json()["detail"]}


async def test_null_for_what_is_not_offered_is_as_good_as_nothing(
    world: World, client: httpx2.AsyncClient
) -> None:
    world.finish_at_once()
    answer = await client.post(PATH, json=ORDER | {"callback_url": None, "priority": None})
    assert answer.status_code == 200


async def test_when_nobody_answers_the_client_is_asked_to_come_back(
    world: World, client: httpx2.AsyncClient
) -> None:
    world.backend.away.add("ledger.task.accept")
    answer = await client.post(PATH, json=ORDER)
    assert answer.status_code == 503
    assert answer.headers["retry-after"].isdigit()
    assert world.completions.waiting == 0


@pytest.mark.parametrize("path", [PATH, "/api/v1/content/batch", "/api/v1/content/batch/sync"])
async def test_an_order_that_nobody_confirms_names_the_task_to_look_at(
    world: World, client: httpx2.AsyncClient, path: str
) -> None:
    world.backend.away.add("ledger.task.accept")
    answer = await client.post(path, json={"avatar_id": "ada"})
    assert (answer.status_code, answer.json()["code"]) == (503, "not_confirmed")
    assert answer.headers["location"].endswith(answer.json()["task_id"])


@pytest.mark.parametrize("path", [PATH, "/api/v1/content/batch/sync"])
async def test_a_result_that_cannot_be_shown_now_is_found_under_its_task(
    world: World, client: httpx2.AsyncClient, path: str
) -> None:
    world.finish_at_once()
    world.backend.away.add("ledger.piece.list")
    answer = await client.post(path, json={"avatar_id": "ada"})
    (task_id,) = world.backend.accepted
    assert answer.status_code == 503
    assert answer.json()["task_id"] == task_id
    world.backend.away.clear()
    assert (await client.get(answer.headers["location"])).json()["state"] == "completed"


async def test_an_order_that_the_ledger_refuses_names_no_task(
    world: World, client: httpx2.AsyncClient
) -> None:
    async def refuse(_: object) -> None:
        raise Problem(400, "avatar_without_lora", "Avatar has no trained LoRA weights")

    world.backend.on_accept = refuse
    answer = await client.post(PATH, json=ORDER)
    assert answer.status_code == 400
    assert "task_id" not in answer.json()
