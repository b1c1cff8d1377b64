"""A check says what moderation would, and leaves nothing behind."""

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from typing import Any, NoReturn

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.domain.image_types import media_type_of
from services.gateway.handler import body_limit
from services.gateway.handler.check_bodies import (
    IMAGE_PATTERN,
    MAX_CHECK_BODY_BYTES,
    MAX_IMAGE_BYTES,
)
from services.gateway.handler.checks import CHECK_LIMIT_S
from shared.calls import ContentChecked
from shared.content import Decision, Rating, Tier
from shared.problems import Problem
from tests.eventually import eventually
from tests.gateway.backend import TENANT
from tests.gateway.conftest import World

PATH = "/api/v1/content/safety-check"
JSON = {"Content-Type": "application/json"}
PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR"
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0"
WEBP = b"RIFF\x24\0\0\0WEBPVP8 "
CONSENT = {
    "kind": "consented_person",
    "name": "Famous Person",
    "attested_by": "notary",
    "attested_at": "2026-01-01T00:00:00Z",
}

VERDICT = ContentChecked(
    decision=Decision.APPROVED,
    rating=Rating.SAFE,
    explicitness_level=1,
    tier=Tier.CAPA1,
    reason="fine",
    policy_version="test",
)


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


async def delivered(world: World, client: httpx2.AsyncClient, **fields: Any) -> str:
    """The id of a finished piece of `ada`."""
    order = {"avatar_id": "ada", "num_pieces": 1}
    task_id = (await client.post("/api/v1/content/batch", json=order)).json()["task_id"]
    return world.backend.deliver(task_id, 0, **fields).id


async def test_a_text_is_checked_alone(world: World, client: httpx2.AsyncClient) -> None:
    answer = await client.post(PATH, json={"text": "by the sea", "tier": "capa2"})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["decision"], told["policy_version"]) == ("approved", "test")
    assert told["judges"][0]["image_scores"] == {"sexual": 0.25}
    assert told["unscored"] == ["violence"]
    [(asked, image)] = world.backend.checked
    assert (asked.tenant, asked.text, asked.tier) == (TENANT, "by the sea", Tier.CAPA2)
    assert (asked.image, image, asked.consented_name) == (None, None, None)
    assert world.backend.limits_s["safety.content.check"] == CHECK_LIMIT_S == 30
    assert not world.backend.staging.passed


async def test_what_would_be_blocked_is_an_answer_and_never_quoted(
    client: httpx2.AsyncClient,
) -> None:
    answer = await client.post(PATH, json={"text": "something forbidden"})
    assert (answer.status_code, answer.json()["blocked"]) == (200, "minors")
    assert answer.json()["findings"][0]["category"] == "minors"
    assert "forbidden" not in answer.text


@pytest.mark.parametrize(
    ("data", "media_type"), [(PNG, "image/png"), (JPEG, "image/jpeg"), (WEBP, "image/webp")]
)
async def test_an_image_lies_in_staging_only_while_it_is_looked_at(
    world: World, client: httpx2.AsyncClient, data: bytes, media_type: str
) -> None:
    answer = await client.post(PATH, json={"image_base64": base64_of(data), "text": "a caption"})
    assert answer.status_code == 200, answer.text
    [(asked, image)] = world.backend.checked
    assert image == data
    assert asked.image is not None
    assert (asked.image.media_type, asked.text) == (media_type, "a caption")
    [name] = world.backend.staging.passed
    assert name.startswith("check-")
    assert not world.backend.staging.lying


@pytest.mark.parametrize("trouble", ["away", "broken"])
async def test_the_bytes_are_deleted_whatever_becomes_of_the_check(
    world: World, client: httpx2.AsyncClient, trouble: str
) -> None:
    piece_id = await delivered(world, client)
    getattr(world.backend, trouble).add("safety.content.check")
    for body in ({"image_base64": base64_of(PNG)}, {"piece_id": piece_id}):
        answer = await client.post(PATH, json=body)
        assert answer.status_code == {"away": 503, "broken": 500}[trouble]
    assert len(world.backend.staging.passed) == 2
    assert not world.backend.staging.lying


async def test_while_staging_is_away_nothing_is_asked(
    world: World, client: httpx2.AsyncClient
) -> None:
    world.backend.staging.is_away = True
    answer = await client.post(PATH, json={"image_base64": base64_of(PNG)})
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert not world.backend.checked


async def test_an_answer_is_given_though_the_bytes_cannot_be_deleted(
    world: World, client: httpx2.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    async def leave(_: object) -> ContentChecked:
        world.backend.staging.is_away = True
        return VERDICT

    world.backend.instead["safety.content.check"] = leave
    body = {"image_base64": base64_of(PNG), "text": "hunter2"}
    assert (await client.post(PATH, json=body)).status_code == 200
    told = capsys.readouterr()
    assert "check.bytes_left" in told.out
    assert "hunter2" not in told.out + told.err


async def test_a_finished_piece_is_lent_looked_at_and_given_back(
    world: World, client: httpx2.AsyncClient
) -> None:
    piece_id = await delivered(world, client, access_tier="capa3")
    answer = await client.post(PATH, json={"piece_id": piece_id})
    assert answer.status_code == 200, answer.text
    [(asked, image)] = world.backend.checked
    assert (image, asked.tier) == (b"lent", Tier.CAPA3)
    [loan] = world.backend.lent
    assert (loan.tenant, loan.key) == (TENANT, world.backend.pieces[piece_id].object_key)
    assert loan.name == world.backend.staging.passed[0]
    assert not world.backend.staging.lying


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"state": "pending_review"}, 409, "piece_not_delivered"),
        ({"state": "requested", "object_key": None}, 409, "piece_not_delivered"),
        ({"state": "rejected"}, 409, "piece_not_delivered"),
        ({"taken_down_at": "2026-05-01T12:00:00Z"}, 410, "piece_taken_down"),
    ],
)
async def test_only_what_may_be_seen_is_lent(
    world: World,
    client: httpx2.AsyncClient,
    fields: dict[str, Any],
    status: int,
    code: str,
) -> None:
    piece_id = await delivered(world, client, **fields)
    answer = await client.post(PATH, json={"piece_id": piece_id})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["field"] == "piece_id"
    assert not world.backend.lent


async def test_an_image_that_nobody_can_open_is_named_as_the_client_calls_it(
    world: World, client: httpx2.AsyncClient
) -> None:
    async def refuse(_: object) -> NoReturn:
        raise Problem(422, "validation_error", "cannot be decoded", field="image")

    world.backend.instead["safety.content.check"] = refuse
    answer = await client.post(PATH, json={"image_base64": base64_of(PNG)})
    assert (answer.status_code, answer.json()["field"]) == (422, "image_base64")
    assert answer.json()["errors"][0]["code"] == "not_an_image"
    assert not world.backend.staging.lying


async def test_a_file_that_is_gone_is_told_of_the_piece(
    world: World, client: httpx2.AsyncClient
) -> None:
    async def refuse(_: object) -> NoReturn:
        raise Problem(404, "object_not_found", "There is no such file.", field="key")

    world.backend.instead["storage.object.lend"] = refuse
    answer = await client.post(PATH, json={"piece_id": await delivered(world, client)})
    assert (answer.status_code, answer.json()["code"]) == (404, "object_not_found")
    assert answer.json()["field"] == "piece_id"


async def test_other_tenants_pieces_and_avatars_are_not_found(
    world: World, client: httpx2.AsyncClient
) -> None:
    piece_id = await delivered(world, client)
    world.backend.avatar("mine", tenant="other")
    async with world.client(key="atl_k2_s3cret-s3cret-s3cret") as other:
        answers = [
            await other.post(PATH, json={"piece_id": piece_id, "avatar_id": "mine"}),
            await other.post(PATH, json={"text": "t", "avatar_id": "ada"}),
        ]
    assert [answer.json()["code"] for answer in answers] == ["piece_not_found", "avatar_not_found"]
    assert not world.backend.checked
    assert not world.backend.lent


async def test_the_avatar_tells_who_has_consented(world: World, client: httpx2.AsyncClient) -> None:
    piece_id = await delivered(world, client)
    world.backend.avatar(likeness=CONSENT)
    world.backend.avatar("eve", likeness={"kind": "synthetic", "name": "Famous Person"})
    for body in (
        {"text": "t", "avatar_id": "ada"},
        {"piece_id": piece_id},
        {"piece_id": piece_id, "avatar_id": "eve"},
        {"text": "t"},
    ):
        assert (await client.post(PATH, json=body)).status_code == 200
    names = [asked.consented_name for asked, _ in world.backend.checked]
    assert names == ["Famous Person", "Famous Person", None, None]


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, "nothing_to_check", "body"),
        ({"avatar_id": "ada", "tier": "capa1"}, "nothing_to_check", "body"),
        ({"text": None, "image_base64": None}, "nothing_to_check", "body"),
        ({"image_base64": base64_of(PNG), "piece_id": "p"}, "two_images", "body"),
        ({"text": ""}, "string_too_short", "text"),
        ({"text": " \n "}, "string_too_short", "text"),
        ({"text": "t" * 8001}, "string_too_long", "text"),
        ({"text": ["t"]}, "string_type", "text"),
        ({"text": "\0"}, "control_character", "text"),
        ({"text": "t", "tier": "gold"}, "enum", "tier"),
        ({"text": "t", "avatar_id": "a.b"}, "string_pattern_mismatch", "avatar_id"),
        ({"text": "t", "consented_name": "Famous Person"}, "extra_forbidden", "consented_name"),
        ({"text": "t", "image": {"uri": "jetstream://a/b"}}, "extra_forbidden", "image"),
        ({"piece_id": "../secret"}, "string_pattern_mismatch", "piece_id"),
        ({"piece_id": "*"}, "string_pattern_mismatch", "piece_id"),
        ({"image_base64": 7}, "string_type", "image_base64"),
        ({"image_base64": ""}, "not_an_image", "image_base64"),
        ({"image_base64": base64_of(b"GIF89a" * 9)}, "not_an_image", "image_base64"),
        ({"image_base64": base64_of(b"<svg/>")}, "not_an_image", "image_base64"),
        ({"image_base64": base64_of(b"RIFF\0\0\0\0WAVE")}, "not_an_image", "image_base64"),
        ({"image_base64": base64_of(PNG) + "!"}, "not_an_image", "image_base64"),
        ({"image_base64": base64_of(PNG)[:-1]}, "not_an_image", "image_base64"),
        ({"image_base64": f" {base64_of(PNG)}"}, "not_an_image", "image_base64"),
        ({"image_base64": f"{base64_of(PNG)}\n"}, "not_an_image", "image_base64"),
        (
            {"image_base64": f"data:image/png;base64,{base64_of(PNG)}"},
            "not_an_image",
            "image_base64",
        ),
        ({"image_base64": "https://evil.example/a.png"}, "not_an_image", "image_base64"),
        ({"image_base64": "é" * 100}, "not_an_image", "image_base64"),
    ],
    ids=lambda value: str(value)[:50],
)
async def test_what_cannot_be_checked_is_refused_and_named(
    world: World, client: httpx2.AsyncClient, body: dict[str, Any], code: str, field: str
) -> None:
    answer = await client.post(PATH, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_error")
    [error] = answer.json()["errors"]
    assert (error["code"], error["field"]) == (code, field)
    assert "evil" not in answer.text
    assert not world.backend.checked
    assert not world.backend.staging.passed


@given(
    st.sampled_from([PNG, JPEG, WEBP, b"RIFF", b"GIF89a", b"\xff\xd8", b"\x89PNG\r\n"]),
    st.binary(max_size=40),
)
def test_the_document_describes_exactly_what_is_taken(beginning: bytes, rest: bytes) -> None:
    data = beginning + rest
    described = re.search(IMAGE_PATTERN, base64_of(data)) is not None
    # The last bits of a beginning that stands alone cannot be told in base64.
    assert described == (media_type_of(data) is not None) or len(data) < 9


async def test_the_largest_image_passes_and_one_byte_more_does_not(
    world: World, client: httpx2.AsyncClient
) -> None:
    largest = PNG.ljust(MAX_IMAGE_BYTES, b"\0")
    answer = await client.post(PATH, json={"image_base64": base64_of(largest), "text": "é" * 8000})
    assert answer.status_code == 200, answer.text
    for surplus in (b"\0", b"\0" * 3):
        refused = await client.post(PATH, json={"image_base64": base64_of(largest + surplus)})
        assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")
    assert len(world.backend.checked) == 1
    assert not world.backend.staging.lying


async def chunks(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 2**20 + 1):
        yield b" " * 2**20


@pytest.mark.parametrize("is_announced", [True, False])
async def test_a_body_without_end_is_not_read(
    world: World, client: httpx2.AsyncClient, is_announced: bool
) -> None:
    size = MAX_CHECK_BODY_BYTES + 1
    content = b" " * size if is_announced else chunks(size)
    answer = await client.post(PATH, content=content, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    "path", [f"{PATH}/", "/api/v1/content/batch", "/api/v1/content/safety-check/x"]
)
async def test_no_other_path_takes_bodies_of_that_size(
    client: httpx2.AsyncClient, path: str
) -> None:
    answer = await client.post(path, content=b" " * (2 * 2**20), headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_few_large_bodies_are_held_at_a_time_and_small_ones_pass(world: World) -> None:
    go_on, inside = asyncio.Event(), []

    async def stalled() -> AsyncIterator[bytes]:
        yield b'{"text":'
        inside.append(True)
        await go_on.wait()
        yield b'"t"}'

    async with world.client() as client:
        slow = [
            asyncio.create_task(client.post(PATH, content=stalled(), headers=JSON))
            for _ in range(body_limit.LARGE_AT_A_TIME)
        ]
        await eventually(lambda: len(inside) == len(slow))
        refused = await client.post(PATH, json={"image_base64": base64_of(PNG.ljust(2**20, b"\0"))})
        assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
        assert int(refused.headers["retry-after"]) > 0
        assert (await client.post(PATH, json={"text": "t"})).status_code == 200
        go_on.set()
        assert {answer.status_code for answer in await asyncio.gather(*slow)} == {200}
        fine = await client.post(PATH, json={"image_base64": base64_of(PNG.ljust(2**20, b"\0"))})
        assert fine.status_code == 200
