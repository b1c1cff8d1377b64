"""Captions without a piece: what is asked of the writers, what comes back, and what it costs."""

from typing import Any

import httpx2
import pytest

from shared import calls
from shared.calls import CAPTIONS_LIMIT_S, CaptionsWritten
from shared.calls.captions import LONGEST_NAME
from shared.content import Captions, CaptionSource, Platform, Tier
from tests.gateway.backend import NOW, TENANT
from tests.gateway.conftest import World

PATH = "/api/v1/content/hooks"
PROMPT = {"prompt": "by the sea", "platform": "x"}


async def delivered(world: World, client: httpx2.AsyncClient, **order: Any) -> list[str]:
    """The ids of the finished pieces of an order."""
    wanted = {"avatar_id": "ada", "num_pieces": 1} | order
    task_id = (await client.post("/api/v1/content/batch", json=wanted)).json()["task_id"]
    world.backend.finish(task_id)
    return [piece.id for piece in world.backend.pieces.values() if piece.task_id == task_id]


async def test_a_picture_in_words_gets_captions_with_their_price(
    world: World, client: httpx2.AsyncClient
) -> None:
    answer = await client.post(PATH, json=PROMPT | {"count": 2, "tier": "capa2", "language": "de"})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "captions": [
            {
                "piece_id": None,
                "hook_text": "0-0",
                "hooks": ["0-0", "0-1"],
                "source": "model",
                "provider": "anthropic",
                "model": "a-model",
                "instead_of": None,
            }
        ],
        "cost": 0.001,
    }
    [asked] = world.backend.captioned
    [picture] = asked.pictures
    assert (asked.tenant, asked.platform, asked.language) == (TENANT, Platform.X, "de")
    assert (picture.prompt, picture.tier, picture.piece_id) == ("by the sea", Tier.CAPA2, None)
    assert asked.avatar_id is None
    assert world.backend.limits_s["hooks.write"] == CAPTIONS_LIMIT_S == 60


async def test_an_avatar_lends_its_voice_and_needs_no_weights_for_it(
    world: World, client: httpx2.AsyncClient
) -> None:
    world.backend.avatar(
        lora_weights_url=None,
        meta_data={"personality": {"tone": "dry", "language": "es"}},
        likeness={
            "kind": "consented_person",
            "name": "Famous Person",
            "attested_by": "notary",
            "attested_at": NOW,
        },
    )
    wanted = PROMPT | {"prompt": "Famous Person by the sea", "avatar_id": "ada"}
    answer = await client.post(PATH, json=wanted)
    assert answer.status_code == 200, answer.text
    [asked] = world.backend.captioned
    assert (asked.avatar_id, asked.avatar_name, asked.niche) == ("ada", "Ada", "fitness")
    assert (asked.personality_tone, asked.language) == ("dry", "es")
    assert asked.consented_name == "Famous Person"


async def test_the_longest_name_that_an_avatar_may_have_reaches_the_writers(
    world: World, client: httpx2.AsyncClient
) -> None:
    name = "a" * LONGEST_NAME
    consent = {"kind": "consented_person", "attested_by": "notary", "attested_at": NOW.isoformat()}
    body = {"name": "Eve", "likeness": consent | {"name": name}}
    created = await client.post("/api/v1/avatars", json=body)
    assert created.status_code == 201, created.text
    longer = body | {"likeness": consent | {"name": f"{name}a"}}
    assert (await client.post("/api/v1/avatars", json=longer)).status_code == 422
    answer = await client.post(PATH, json=PROMPT | {"avatar_id": created.json()["id"]})
    assert answer.status_code == 200, answer.text
    assert world.backend.captioned[0].consented_name == name


async def test_finished_pieces_are_asked_about_in_one_call_and_in_their_order(
    world: World, client: httpx2.AsyncClient
) -> None:
    pieces = await delivered(world, client, num_pieces=10)
    named = [*reversed(pieces), pieces[0]]
    answer = await client.post(PATH, json={"piece_ids": named[:10]})
    assert answer.status_code == 200, answer.text
    assert [each["piece_id"] for each in answer.json()["captions"]] == named[:10]
    assert answer.json()["cost"] == 0.01
    [asked] = world.backend.captioned
    assert (asked.platform, asked.avatar_id) == (Platform.INSTAGRAM, "ada")
    for picture in asked.pictures:
        piece = world.backend.pieces[picture.piece_id or ""]
        template = await world.door.library.get(piece.template_id or "")
        assert template is not None
        assert (picture.prompt, picture.tier) == (piece.prompt, piece.access_tier)
        assert picture.category == template.category


async def test_a_piece_that_is_named_twice_is_paid_for_once(
    world: World, client: httpx2.AsyncClient
) -> None:
    [piece] = await delivered(world, client)
    answer = await client.post(PATH, json={"piece_ids": [piece, piece]})
    assert len(answer.json()["captions"]) == 1
    assert len(world.backend.captioned[0].pictures) == 1


async def test_pieces_for_several_platforms_need_one_to_be_named(
    world: World, client: httpx2.AsyncClient
) -> None:
    pieces = [
        *await delivered(world, client),
        *await delivered(world, client, platform="tiktok"),
    ]
    refused = await client.post(PATH, json={"piece_ids": pieces})
    assert (refused.status_code, refused.json()["code"]) == (422, "platform_required")
    answer = await client.post(PATH, json={"piece_ids": pieces, "platform": "telegram"})
    assert answer.status_code == 200, answer.text
    assert [asked.platform for asked in world.backend.captioned] == [Platform.TELEGRAM]


async def test_written_captions_say_why_they_stand_there(
    world: World, client: httpx2.AsyncClient
) -> None:
    async def from_templates(_: calls.WriteCaptions) -> CaptionsWritten:
        none = Captions(source=CaptionSource.TEMPLATE, hooks=(), instead_of="blocked")
        return CaptionsWritten(captions=(none,))

    world.backend.instead["hooks.write"] = from_templates
    told = (await client.post(PATH, json=PROMPT)).json()
    [captions] = told["captions"]
    assert (captions["source"], captions["instead_of"]) == ("template", "blocked")
    assert (captions["hook_text"], captions["provider"], told["cost"]) == (None, None, 0)


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"state": "pending_review"}, 409, "piece_not_delivered"),
        ({"taken_down_at": NOW}, 410, "piece_taken_down"),
    ],
)
async def test_only_what_may_be_seen_is_written_about(
    world: World, client: httpx2.AsyncClient, fields: dict[str, Any], status: int, code: str
) -> None:
    [fine, other] = await delivered(world, client, num_pieces=2)
    world.backend.pieces[other] = world.backend.pieces[other].model_copy(update=fields)
    answer = await client.post(PATH, json={"piece_ids": [fine, other]})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["field"] == "piece_ids.1"
    assert not world.backend.captioned


async def test_pieces_of_others_are_not_found(world: World, client: httpx2.AsyncClient) -> None:
    [piece] = await delivered(world, client)
    async with world.client(key=None) as other:
        other.headers["X-API-Key"] = "atl_k2_s3cret-s3cret-s3cret"
        answer = await other.post(PATH, json={"piece_ids": [piece]})
    assert (answer.status_code, answer.json()["code"]) == (404, "piece_not_found")
    assert answer.json()["field"] == "piece_ids.0"
    assert not world.backend.captioned


@pytest.mark.parametrize(
    ("avatar", "status", "code"),
    [
        ({"frozen": {"at": NOW, "reason": "minors"}}, 403, "avatar_frozen"),
        ({"stage": "blocked"}, 400, "avatar_blocked"),
        ({"likeness": {"kind": "consented_person"}}, 400, "consent_not_attested"),
    ],
)
async def test_nothing_is_said_for_an_avatar_that_may_not_be_used(
    world: World, client: httpx2.AsyncClient, avatar: dict[str, Any], status: int, code: str
) -> None:
    pieces = await delivered(world, client)
    world.backend.avatar(**avatar)
    for body, field in (
        (PROMPT | {"avatar_id": "ada"}, "avatar_id"),
        ({"piece_ids": pieces}, "piece_ids"),
    ):
        answer = await client.post(PATH, json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.json()["field"] == field
    assert not world.backend.captioned


async def test_a_blocked_prompt_is_never_quoted_and_nobody_is_paid_for_it(
    world: World, client: httpx2.AsyncClient
) -> None:
    for words in ("something forbidden", "Famous Person at sea"):
        answer = await client.post(PATH, json=PROMPT | {"prompt": words})
        assert (answer.status_code, answer.json()["code"]) == (422, "prompt_blocked")
        assert answer.json()["field"] == "prompt"
        assert words not in answer.text
    assert not world.backend.captioned


async def test_no_answer_from_safety_is_no_pass(world: World, client: httpx2.AsyncClient) -> None:
    world.backend.away.add("safety")
    answer = await client.post(PATH, json=PROMPT)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert not world.backend.captioned


async def test_while_nobody_writes_it_is_said_that_it_may_have_cost_something(
    world: World, client: httpx2.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    world.backend.away.add("hooks")
    answer = await client.post(PATH, json=PROMPT | {"prompt": "hunter2"})
    assert (answer.status_code, answer.json()["code"]) == (503, "captions_not_confirmed")
    assert int(answer.headers["retry-after"]) > 0
    assert world.backend.asked.count("hooks.write") == 1
    told = capsys.readouterr()
    assert "captions.not_confirmed" in told.out
    assert "hunter2" not in told.out + told.err


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, "pieces_or_prompt", "piece_ids"),
        ({"platform": "x"}, "pieces_or_prompt", "piece_ids"),
        ({"prompt": "p"}, "platform_required", "platform"),
        (PROMPT | {"piece_ids": ["p"]}, "pieces_or_prompt", "prompt"),
        ({"piece_ids": ["p"], "avatar_id": "ada"}, "pieces_or_prompt", "avatar_id"),
        ({"piece_ids": ["p"], "tier": "capa1"}, "pieces_or_prompt", "tier"),
        ({"piece_ids": []}, "validation_error", "piece_ids"),
        ({"piece_ids": ["p"] * 11}, "validation_error", "piece_ids"),
        ({"piece_ids": ["a.b"]}, "validation_error", "piece_ids.0"),
        (PROMPT | {"prompt": " "}, "validation_error", "prompt"),
        (PROMPT | {"prompt": "p" * 2001}, "validation_error", "prompt"),
        (PROMPT | {"platform": "myspace"}, "validation_error", "platform"),
        (PROMPT | {"count": 0}, "validation_error", "count"),
        (PROMPT | {"count": 6}, "validation_error", "count"),
        (PROMPT | {"language": "english"}, "validation_error", "language"),
        (PROMPT | {"tone": "dry"}, "validation_error", "tone"),
    ],
)
async def test_what_makes_no_sense_is_refused_and_costs_nothing(
    world: World, client: httpx2.AsyncClient, body: dict[str, Any], code: str, field: str
) -> None:
    answer = await client.post(PATH, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json()["field"] == field
    assert not world.backend.captioned
