"""Equal bytes go together; no look-alike slips between a takedown and a delivery."""

import asyncio
from typing import Any

import pytest

from services.ledger.adapters import doubts
from services.ledger.adapters.images import like_taken_down
from shared.calls import AvatarRef
from shared.content import Sha256
from shared.events import ContentRequested, DeliveryWithdrawn
from tests.builders import SHA256
from tests.eventually import eventually
from tests.ledger.books import Books, is_held_up
from tests.ledger.test_endings import replica
from tests.ledger.test_takedowns import PRINT, delivered, is_blocked, looking, request

__all__ = ["replica"]

NEAR = "ffff0000ffff0001"
AS_DELIVERED: Sha256 = "1" * 64


async def is_down(books: Books, piece: ContentRequested) -> bool:
    shown = (await books.piece(piece.piece_id)).piece
    return shown.taken_down_at is not None and shown.url is None


async def test_equal_bytes_are_taken_down_together(books: Books) -> None:
    first, _ = await delivered(books)
    second, _ = await delivered(books)
    other, _ = await delivered(books, None, "2" * 64)
    await books.takedowns.take_down(request(first.piece_id))
    downs = [await is_down(books, piece) for piece in (first, second, other)]
    assert downs == [True, True, False]
    told = {fact.piece_id for fact in await books.waiting(DeliveryWithdrawn)}
    assert told == {first.piece_id, second.piece_id}
    rows = await books.sql("SELECT piece_id, avatar_id, by, reason FROM moderation_actions")
    assert {tuple(row) for row in rows} == {
        (piece.piece_id, piece.brief.avatar_id, "key-1", "a complaint") for piece in (first, second)
    }
    last = (await books.piece(second.piece_id)).timeline[-1]
    assert last.detail == {
        "by": "key-1",
        "reason": "a complaint",
        "same_bytes_as": first.piece_id,
    }


async def test_bytes_are_equal_whether_judged_or_delivered(books: Books) -> None:
    first, second = await books.accepted(2)
    made = looking(first, None)
    files = made.delivery.model_copy(update={"image_sha256": AS_DELIVERED})
    await books.endings.deliver(made.model_copy(update={"delivery": files}))
    await books.endings.deliver(looking(second, None, AS_DELIVERED))
    await books.takedowns.take_down(request(second.piece_id))
    assert await is_down(books, first)
    assert await is_blocked(books, SHA256) == first.piece_id


async def test_equal_bytes_of_another_tenant_stay(books: Books) -> None:
    first, _ = await delivered(books)
    second, _ = await delivered(books)
    await books.sql("UPDATE content_pieces SET tenant = 'other' WHERE id = :id", id=second.piece_id)
    await books.takedowns.take_down(request(first.piece_id))
    assert not await is_down(books, second)


async def test_near_ones_stay_and_are_named(books: Books) -> None:
    piece, near, unlike = await books.accepted(3)
    await books.endings.deliver(looking(piece, PRINT))
    await books.endings.deliver(looking(near, NEAR, "3" * 64))
    await books.endings.deliver(looking(unlike, "0f0f0f0f0f0f0f0f", "4" * 64))
    await books.takedowns.take_down(request(piece.piece_id))
    assert not await is_down(books, near)
    last = (await books.piece(piece.piece_id)).timeline[-1]
    assert last.detail["looks_like"] == [near.piece_id]


async def test_no_more_than_twenty_near_ones_are_named(books: Books) -> None:
    every = await books.accepted(22)
    events = [looking(piece, PRINT, f"{n:064x}") for n, piece in enumerate(every)]
    await books.deliveries.deliver(events)
    await books.takedowns.take_down(request(every[0].piece_id))
    last = (await books.piece(every[0].piece_id)).timeline[-1]
    named = last.detail["looks_like"]
    assert isinstance(named, list)
    assert (len(named), every[0].piece_id in named) == (20, False)


async def test_a_takedown_waits_for_a_delivery_that_has_looked_already(
    books: Books, replica: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = await delivered(books)
    (second,) = await books.accepted()
    looked, go = asyncio.Event(), asyncio.Event()
    look = like_taken_down

    async def look_slowly(*given: Any) -> frozenset[str]:
        found = await look(*given)
        looked.set()
        await go.wait()
        return found

    monkeypatch.setattr(doubts, "like_taken_down", look_slowly)
    async with asyncio.TaskGroup() as group:
        group.create_task(books.endings.deliver(looking(second, PRINT)))
        await looked.wait()
        taking = group.create_task(replica.takedowns.take_down(request(first.piece_id)))
        # One that does not wait would be done, and never be seen to.
        await eventually(lambda: is_held_up(books))
        assert not taking.done()
        go.set()
    assert await is_down(books, second)


async def test_deliveries_and_takedowns_at_once_leave_nothing_of_the_same_bytes(
    books: Books, replica: Books
) -> None:
    done, event = await delivered(books)
    pieces = await books.accepted(12)
    others = await replica.accepted(12)
    deliveries = [
        (books if n % 2 else replica).deliveries.deliver([looking(piece, PRINT), event])
        for n, piece in enumerate(pieces)
    ]
    takedowns = [each.takedowns.take_down(request(done.piece_id)) for each in (books, replica)]
    later = [replica.endings.deliver(looking(piece, PRINT)) for piece in others]
    await asyncio.gather(*deliveries, *takedowns, *later)
    rows = await books.sql("SELECT id FROM content_pieces WHERE taken_down_at IS NULL")
    assert rows == []
    states = await books.sql("SELECT DISTINCT state FROM pieces")
    assert {row.state for row in states} <= {"persisted", "failed"}


async def test_takedowns_deletions_and_deliveries_at_once_do_not_block_each_other(
    books: Books, replica: Books
) -> None:
    finished = [(await delivered(books))[0] for _ in range(6)]
    pieces = await books.accepted(6)
    results = await asyncio.gather(
        *(books.takedowns.take_down(request(piece.piece_id)) for piece in finished[:3]),
        *(replica.deletion.delete_avatar(_avatar(piece)) for piece in finished[3:]),
        *(replica.endings.deliver(looking(piece, PRINT)) for piece in pieces),
        return_exceptions=True,
    )
    assert [each for each in results if isinstance(each, Exception)] == []
    assert await books.sql("SELECT 1 FROM content_pieces WHERE taken_down_at IS NULL") == []


def _avatar(piece: ContentRequested) -> AvatarRef:
    return AvatarRef(tenant=piece.tenant, avatar_id=piece.brief.avatar_id)
