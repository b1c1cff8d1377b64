"""While an avatar is frozen nothing of it is shown, approved or deleted, nor its face used."""

import asyncio

import pytest

from shared.calls import AvatarFields, AvatarRef, ChangeAvatar
from shared.events import ContentFailed, ContentRequested, DeliveryWithdrawn
from shared.problems import Problem
from tests.ledger.books import TENANT, Books, stored
from tests.ledger.reviewing import approve, decision, delivered, hold, refusal, rejection
from tests.ledger.test_endings import replica
from tests.ledger.test_freezing import blocked, ref, refused_order, unfreeze

__all__ = ["replica"]


async def state_of(books: Books, piece: ContentRequested) -> tuple[str, str | None]:
    shown = (await books.piece(piece.piece_id)).piece
    return shown.state, shown.reason


async def test_what_was_under_way_is_not_shown(books: Books) -> None:
    found, begun = await books.accepted(2)
    await books.open_attempt(begun)
    await books.endings.halt(blocked(found))
    event = stored(begun)
    await books.endings.deliver(event)
    assert await state_of(books, begun) == ("failed", "frozen")
    (failed,) = await books.waiting(ContentFailed)
    assert (failed.piece_id, failed.reason) == (begun.piece_id, "frozen")
    (gone,) = await books.waiting(DeliveryWithdrawn)
    assert gone.object_keys[0] == event.delivery.object_key
    assert await books.sql("SELECT 1 FROM content_pieces") == []


async def test_what_was_shown_before_stays_and_is_heard_of_again(books: Books) -> None:
    found, done = await books.accepted(2)
    event = stored(done)
    await books.endings.deliver(event)
    await books.endings.halt(blocked(found))
    await books.endings.deliver(event)
    assert await state_of(books, done) == ("persisted", None)
    assert await books.waiting(DeliveryWithdrawn) == []


async def test_what_waits_for_people_waits_on_and_can_only_be_rejected(books: Books) -> None:
    found, before, after = await books.accepted(3)
    await books.open_attempt(after)
    events = [await hold(books, before)]
    await books.endings.halt(blocked(found))
    events.append(await hold(books, after))
    for event in events:
        assert await refusal(books, event) == (403, "avatar_frozen")
    assert await books.sql("SELECT 1 FROM review_decisions") == []
    await books.reviews.decide(rejection(events[0]))
    assert await state_of(books, before) == ("rejected", "review_rejected")
    await books.freezes.unfreeze(unfreeze(found))
    await books.reviews.decide(decision(events[1]))
    assert (await state_of(books, after))[0] == "moderated"


async def test_what_nobody_may_approve_is_told_before_the_freeze(books: Books) -> None:
    found, other = await books.accepted(2)
    event = await hold(books, other, blocked="minors", blocked_on="image")
    await books.endings.halt(blocked(found))
    assert await refusal(books, event) == (409, "review_blocked")


async def test_an_approval_on_its_way_does_not_come_through(books: Books) -> None:
    found, other = await books.accepted(2)
    approved = await approve(books, await hold(books, other))
    await books.endings.halt(blocked(found))
    await books.endings.deliver(delivered(approved))
    assert await state_of(books, other) == ("failed", "frozen")


async def test_a_frozen_avatar_cannot_be_deleted(books: Books) -> None:
    (piece,) = await books.accepted()
    await books.endings.halt(blocked(piece))
    with pytest.raises(Problem) as refused:
        await books.deletion.delete_avatar(ref(piece))
    assert (refused.value.details.status, refused.value.details.code) == (403, "avatar_frozen")
    await books.freezes.unfreeze(unfreeze(piece))
    assert (await books.deletion.delete_avatar(ref(piece))).pieces == 1


async def test_another_avatar_with_the_weights_of_a_frozen_one_gets_nothing(books: Books) -> None:
    frozen = await books.avatar(lora_weights_url="loras/face.safetensors")
    twin = await books.avatar(lora_weights_url="loras/face.safetensors")
    other = await books.avatar(lora_weights_url="loras/other.safetensors")
    (piece,) = await books.accepted(avatar=frozen)
    await books.endings.halt(blocked(piece))
    assert await refused_order(books, twin.id) == (403, "avatar_frozen")
    assert await books.accepted(avatar=other)
    await books.sql("UPDATE avatars SET tenant = 'other' WHERE id = :id", id=frozen.id)
    assert await books.accepted(avatar=twin)


async def test_a_frozen_avatar_keeps_its_weights(books: Books) -> None:
    (piece,) = await books.accepted()
    await books.endings.halt(blocked(piece))
    kept = (await books.avatars.get(ref(piece))).lora_weights_url
    for news in (
        {"fields": AvatarFields(lora_weights_url="loras/b")},
        {"clear": ["lora_weights_url"]},
    ):
        change = {"tenant": TENANT, "avatar_id": piece.brief.avatar_id, "fields": {}} | news
        with pytest.raises(Problem, match="avatar_frozen"):
            await books.avatars.change(ChangeAvatar.model_validate(change))
    fields = AvatarFields(lora_weights_url=kept, name="Eve")
    whom = AvatarRef(tenant=TENANT, avatar_id=piece.brief.avatar_id)
    same = ChangeAvatar(tenant=TENANT, avatar_id=whom.avatar_id, fields=fields)
    assert (await books.avatars.change(same)).name == "Eve"


async def test_an_unfreeze_names_all_that_had_frozen_the_avatar(books: Books) -> None:
    pieces = await books.accepted(3)
    for piece in pieces[:2]:
        await books.endings.halt(blocked(piece))
    await books.freezes.unfreeze(unfreeze(pieces[0]))
    await books.endings.halt(blocked(pieces[2]))
    await books.freezes.unfreeze(unfreeze(pieces[0]))
    rows = await books.sql("SELECT causes FROM moderation_actions WHERE action = 'unfreeze'")
    ids = [piece.piece_id for piece in pieces]
    assert [row.causes for row in rows] == [ids[:2], ids[2:]]


async def test_freezes_deliveries_and_decisions_at_once_show_nothing_afterwards(
    books: Books, replica: Books
) -> None:
    avatar = await books.avatar()
    found, *others = await books.accepted(13, avatar=avatar)
    held = [await hold(books, piece) for piece in others[:4]]
    await asyncio.gather(
        *(replica.endings.deliver(stored(piece)) for piece in others[4:]),
        books.endings.halt(blocked(found)),
        *(replica.reviews.decide(decision(event)) for event in held),
        return_exceptions=True,
    )
    ((frozen_at,),) = await books.sql("SELECT frozen_at FROM avatars")
    late = await books.sql(
        "SELECT 1 FROM pieces WHERE state = 'persisted' AND ended_at > :at", at=frozen_at
    )
    assert (frozen_at is not None, late) == (True, [])
