"""Avatars in the books."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from shared.calls import (
    Avatar,
    AvatarFields,
    AvatarRef,
    ChangeAvatar,
    CreateAvatar,
    ListAvatars,
)
from shared.problems import Problem
from shared.rpc import MAX_REPLY_BYTES
from tests.ledger.books import TENANT, Books

EVERYTHING: dict[str, Any] = {
    "name": "Ada",
    "user_id": "u-1",
    "niche": "fitness",
    "stage": "ready",
    "lora_weights_url": "loras/ada.safetensors",
    "lora_model_id": "m-1",
    "trigger_word": "TOK_ada",
    "base_prompt": "a woman of thirty",
    "negative_prompt": "blurry",
    "lora_scale": 0.8,
    "likeness": {"kind": "consented_person", "name": "Ada L.", "attested_by": "notary"},
    "adult_attested_at": "2026-01-01T00:00:00Z",
    "meta_data": {"personality": {"tone": "warm"}, "generation_config": {"steps": 30}},
}


def ref(avatar: Avatar, tenant: str = TENANT) -> AvatarRef:
    return AvatarRef(tenant=tenant, avatar_id=avatar.id)


def change(avatar: Avatar, *clear: str, tenant: str = TENANT, **fields: object) -> ChangeAvatar:
    given = AvatarFields.model_validate(fields)
    return ChangeAvatar(tenant=tenant, avatar_id=avatar.id, fields=given, clear=clear)


async def test_what_is_said_about_an_avatar_is_kept(books: Books) -> None:
    avatar = await books.avatar(**EVERYTHING)
    kept = await books.avatars.get(ref(avatar))
    assert kept == avatar
    said = AvatarFields.model_validate(EVERYTHING)
    assert {name: getattr(kept, name) for name in EVERYTHING} == {
        name: getattr(said, name) for name in EVERYTHING
    }


async def test_unsaid_fields_have_their_defaults(books: Books) -> None:
    avatar = await books.avatar(lora_weights_url=None)
    assert (avatar.stage, avatar.lora_scale, avatar.base_prompt) == ("draft", 0.9, "")
    assert (await books.avatar()).stage == "ready"


async def test_creating_twice_with_one_id_makes_one(books: Books) -> None:
    avatar_id = str(uuid4())
    first = await books.avatar(avatar_id, name="Ada")
    assert await books.avatar(avatar_id, name="Bea") == first


async def test_the_id_of_another_tenant_is_taken(books: Books) -> None:
    avatar = await books.avatar()
    request = CreateAvatar(tenant="other", avatar_id=avatar.id, fields=AvatarFields(name="Bea"))
    with pytest.raises(Problem, match="avatar_id_taken"):
        await books.avatars.create(request)


async def test_an_avatar_needs_a_name(books: Books) -> None:
    request = CreateAvatar(tenant=TENANT, avatar_id="a", fields=AvatarFields())
    with pytest.raises(Problem, match="name"):
        await books.avatars.create(request)


async def test_only_given_fields_change(books: Books) -> None:
    avatar = await books.avatar(**EVERYTHING)
    changed = await books.avatars.change(change(avatar, niche="travel"))
    assert changed.niche == "travel"
    assert changed.updated_at > avatar.updated_at
    same = changed.model_copy(update={"niche": "fitness", "updated_at": avatar.updated_at})
    assert same == avatar


async def test_cleared_fields_become_empty(books: Books) -> None:
    avatar = await books.avatar(**EVERYTHING)
    changed = await books.avatars.change(
        change(avatar, "lora_weights_url", "likeness", "base_prompt")
    )
    assert (changed.lora_weights_url, changed.likeness, changed.base_prompt) == (None, None, "")


async def test_a_name_cannot_be_cleared(books: Books) -> None:
    avatar = await books.avatar()
    with pytest.raises(Problem, match="cannot be empty"):
        await books.avatars.change(change(avatar, "name"))


async def test_avatars_of_others_are_unknown(books: Books) -> None:
    avatar = await books.avatar()
    with pytest.raises(Problem, match="avatar_not_found"):
        await books.avatars.get(ref(avatar, "other"))
    with pytest.raises(Problem, match="avatar_not_found"):
        await books.avatars.change(change(avatar, tenant="other", niche="x"))
    assert (await books.avatars.list(ListAvatars(tenant="other"))).avatars == ()


async def test_avatars_are_listed_newest_first_each_once(books: Books) -> None:
    made = [await books.avatar(name=f"avatar {number}") for number in range(5)]
    listed: list[Avatar] = []
    cursor: str | None = None
    while True:
        page = await books.avatars.list(ListAvatars(tenant=TENANT, cursor=cursor, limit=2))
        listed.extend(page.avatars)
        cursor = page.next_cursor
        if cursor is None:
            break
    assert listed == made[::-1]


def handed_over(avatar: Avatar, key: str, at: datetime) -> ChangeAvatar:
    return ChangeAvatar(
        tenant=TENANT,
        avatar_id=avatar.id,
        fields=AvatarFields(lora_weights_url=key),
        handed_over_at=at,
    )


async def test_newer_weights_win_in_whatever_order_they_arrive(books: Books) -> None:
    old, new = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    for order in ((old, new), (new, old)):
        avatar = await books.avatar(lora_weights_url=None)
        for at in order:
            changed = await books.avatars.change(handed_over(avatar, f"loras/{at:%d}", at))
        assert (changed.lora_weights_url, changed.stage) == ("loras/02", "ready")
    again = await books.avatars.change(handed_over(avatar, "loras/02", new))
    assert again.lora_weights_url == "loras/02"


async def test_of_handovers_at_the_same_time_the_newest_stays(books: Books) -> None:
    avatar = await books.avatar(lora_weights_url=None)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    sent = [
        handed_over(avatar, f"loras/{n}", start + timedelta(seconds=n)) for n in (3, 9, 1, 7, 5)
    ]
    await asyncio.gather(*map(books.avatars.change, sent))
    assert (await books.avatars.get(ref(avatar))).lora_weights_url == "loras/9"


async def test_an_older_handover_changes_nothing_at_all(books: Books) -> None:
    avatar = await books.avatar(lora_weights_url=None)
    now = datetime.now(UTC)
    newer = await books.avatars.change(handed_over(avatar, "loras/new", now))
    older = handed_over(avatar, "loras/old", now - timedelta(microseconds=1))
    assert await books.avatars.change(older) == newer


@pytest.mark.parametrize("stage", ["draft", "training"])
async def test_weights_that_are_handed_over_make_an_avatar_ready(books: Books, stage: str) -> None:
    avatar = await books.avatar(stage=stage, lora_weights_url=None)
    changed = await books.avatars.change(handed_over(avatar, "loras/x", datetime.now(UTC)))
    assert changed.stage == "ready"


async def test_a_handover_may_say_another_stage(books: Books) -> None:
    avatar = await books.avatar(stage="draft", lora_weights_url=None)
    request = handed_over(avatar, "loras/x", datetime.now(UTC))
    fields = request.fields.model_copy(update={"stage": "training"})
    changed = await books.avatars.change(request.model_copy(update={"fields": fields}))
    assert (changed.lora_weights_url, changed.stage) == ("loras/x", "training")


async def test_a_handover_without_weights_makes_nothing_ready(books: Books) -> None:
    avatar = await books.avatar(stage="training", lora_weights_url=None)
    request = handed_over(avatar, "loras/x", datetime.now(UTC))
    renamed = request.model_copy(update={"fields": AvatarFields(trigger_word="TOK_a")})
    assert (await books.avatars.change(renamed)).stage == "training"


async def test_a_handover_does_not_unblock_an_avatar(books: Books) -> None:
    avatar = await books.avatar(stage="blocked")
    changed = await books.avatars.change(handed_over(avatar, "loras/x", datetime.now(UTC)))
    assert (changed.lora_weights_url, changed.stage) == ("loras/x", "blocked")


async def test_a_handover_to_nobody_is_told(books: Books) -> None:
    avatar = (await books.avatar()).model_copy(update={"id": "nobody"})
    with pytest.raises(Problem) as refused:
        await books.avatars.change(handed_over(avatar, "loras/x", datetime.now(UTC)))
    assert refused.value.details.code == "avatar_not_found"


async def test_a_page_of_wordy_avatars_ends_before_a_reply_is_too_large(books: Books) -> None:
    for _ in range(50):
        await books.avatar(base_prompt="ü" * 2000, negative_prompt="ü" * 2000)
    page = await books.avatars.list(ListAvatars(tenant=TENANT, limit=100))
    assert 1 < len(page.avatars) < 50
    assert len(page.model_dump_json().encode()) < MAX_REPLY_BYTES
    assert page.next_cursor
