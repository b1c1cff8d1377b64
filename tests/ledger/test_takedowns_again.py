"""A takedown outlives the loss of what it was told with, and never fills the outbox."""

import pytest

from services.ledger.adapters import takedowns
from services.ledger.handler.reminding import RemindOfTakedowns
from shared.events import DeliveryWithdrawn
from tests.ledger.books import Books
from tests.ledger.test_takedowns import delivered, request


async def published(books: Books) -> None:
    """As if the relay had written everything."""
    await books.sql("DELETE FROM outbox")


async def told(books: Books) -> list[str]:
    return [fact.piece_id for fact in await books.waiting(DeliveryWithdrawn)]


async def taken_down(books: Books, sha256: str) -> str:
    piece, _ = await delivered(books, None, sha256)
    await books.takedowns.take_down(request(piece.piece_id))
    return piece.piece_id


async def test_asking_again_tells_storage_again_and_records_nothing_new(books: Books) -> None:
    piece, event = await delivered(books)
    first = await books.takedowns.take_down(request(piece.piece_id))
    (fact,) = await books.waiting(DeliveryWithdrawn)
    await published(books)
    assert await books.takedowns.take_down(request(piece.piece_id, by="key-2")) == first
    assert await books.waiting(DeliveryWithdrawn) == [fact]
    assert fact.object_keys[0] == event.delivery.object_key
    assert len(await books.sql("SELECT 1 FROM moderation_actions")) == 1


async def test_rounds_remind_of_late_takedowns_only(books: Books) -> None:
    late, old = await taken_down(books, "1" * 64), await taken_down(books, "2" * 64)
    await books.sql(
        "UPDATE content_pieces SET taken_down_at = now() - interval '49 hours' WHERE id = :id",
        id=old,
    )
    await delivered(books, None, "3" * 64)
    await published(books)
    remind = RemindOfTakedowns(books.takedowns)
    for _ in range(2):
        await remind()
        assert await told(books) == [late]
        await published(books)


async def test_a_broker_that_is_away_gets_each_takedown_once(books: Books) -> None:
    piece_id = await taken_down(books, "1" * 64)
    remind = RemindOfTakedowns(books.takedowns)
    for _ in range(3):
        await remind()
        await books.takedowns.take_down(request(piece_id))
    assert await told(books) == [piece_id]


async def test_rounds_go_on_where_the_one_before_has_ended(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(takedowns, "_PORTION", 2)
    every = [await taken_down(books, f"{n}" * 64) for n in range(5)]
    await published(books)
    remind = RemindOfTakedowns(books.takedowns)
    rounds = []
    for _ in range(4):
        await remind()
        rounds.append(await told(books))
        await published(books)
    assert rounds == [every[:2], every[2:4], every[4:], every[:2]]
