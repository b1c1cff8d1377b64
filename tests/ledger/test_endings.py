"""Pieces end once, whoever says so and however often."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from services.ledger.adapters.database import Database, PoolLimits
from services.ledger.adapters.database_url import driver_url
from services.ledger.domain.endings import MOST_RUNS_FOR_LOST_IMAGES
from shared.calls import TaskState
from shared.content import Decision, Rating, Tier
from shared.events import (
    ContentFailed,
    ContentPersisted,
    ContentRejected,
    ContentRequested,
    DeliveryWithdrawn,
    PieceEnded,
    TaskCompleted,
)
from tests.builders import blob, content_halted, content_stored, generation, verdict
from tests.eventually import eventually
from tests.ledger.books import Books, halted, stored, whose

REVIEW = verdict(decision=Decision.REVIEW, rating=Rating.PENDING_REVIEW, explicitness_level=10)
HELD = {"delivery": {"held": True, "public": False}, "verdict": REVIEW}


@pytest.fixture
async def replica(dsn: str) -> AsyncIterator[Books]:
    """The books of another ledger process on the same database."""
    pool = Database.at(driver_url(dsn), PoolLimits(wait_s=10))
    yield Books(pool)
    await pool.close()


async def test_a_delivered_piece_is_persisted_with_all_that_is_known(books: Books) -> None:
    (piece,) = await books.accepted()
    event = stored(piece, verdict=verdict(tier=Tier.CAPA2, explicitness_level=4))
    await books.endings.deliver(event)
    shown = (await books.piece(piece.piece_id)).piece
    assert (shown.state, shown.access_tier, shown.explicitness_level) == ("persisted", "capa2", 4)
    assert (shown.url, shown.object_key) == (event.delivery.url, event.delivery.object_key)
    assert (shown.hook_text, shown.generation) == ("Golden hour.", event.generation)
    assert shown.ended_at is not None
    (fact,) = await books.waiting(ContentPersisted)
    assert (fact.object_key, fact.staged) == (event.delivery.object_key, (event.image,))


async def test_the_last_piece_completes_the_task(books: Books) -> None:
    first, second = await books.accepted(2)
    await books.endings.deliver(stored(first))
    assert await books.waiting(TaskCompleted) == []
    with capture_logs() as logs:
        await books.endings.halt(content_halted(**whose(second), reason="providers_exhausted"))
        await eventually(lambda: any(line["event"] == "task.completed" for line in logs))
    view = await books.task(first.task_id)
    assert (view.state, view.progress) == (TaskState.COMPLETED, 100)
    assert [(each.piece_id, each.reason) for each in view.reasons] == [
        (second.piece_id, "providers_exhausted")
    ]
    (fact,) = await books.waiting(TaskCompleted)
    assert (fact.state, fact.total, fact.persisted, fact.failed) == ("completed", 2, 1, 1)
    (line,) = [line for line in logs if line["event"] == "task.completed"]
    assert (line["pieces"], line["persisted"]) == (2, 1)
    assert line["steps"]["content.stored"]["pieces"] == 1


async def test_a_task_without_any_content_has_failed(books: Books) -> None:
    (piece,) = await books.accepted()
    await books.endings.halt(content_halted(**whose(piece)))
    assert (await books.task(piece.task_id)).state is TaskState.FAILED


async def test_the_same_delivery_again_changes_nothing(books: Books) -> None:
    (piece,) = await books.accepted()
    for _ in range(3):
        await books.endings.deliver(stored(piece))
    assert len(await books.waiting(PieceEnded)) == 1
    assert len(await books.waiting(TaskCompleted)) == 1
    assert await books.waiting(DeliveryWithdrawn) == []


async def test_two_replicas_that_end_a_piece_at_once_end_it_once(
    books: Books, replica: Books
) -> None:
    pieces = await books.accepted(10)
    await asyncio.gather(
        *(each.endings.deliver(stored(piece)) for piece in pieces for each in (books, replica))
    )
    assert len(await books.waiting(ContentPersisted)) == 10
    assert await books.waiting(DeliveryWithdrawn) == []
    assert len(await books.waiting(TaskCompleted)) == 1


async def test_a_delivery_and_a_halt_at_once_end_the_piece_once(
    books: Books, replica: Books
) -> None:
    pieces = await books.accepted(10)
    await asyncio.gather(
        *(books.endings.deliver(stored(piece)) for piece in pieces),
        *(replica.endings.halt(content_halted(**whose(piece))) for piece in pieces),
    )
    ended = await books.waiting(PieceEnded)
    assert sorted(fact.piece_id for fact in ended) == sorted(piece.piece_id for piece in pieces)
    lost = {fact.piece_id for fact in await books.waiting(DeliveryWithdrawn)}
    assert lost == {fact.piece_id for fact in ended if isinstance(fact, ContentFailed)}


async def test_fifty_pieces_at_once_complete_their_task_exactly_once(
    books: Books, replica: Books
) -> None:
    pieces = await books.accepted(50)
    await asyncio.gather(
        *((books, replica)[n % 2].endings.deliver(stored(piece)) for n, piece in enumerate(pieces))
    )
    (fact,) = await books.waiting(TaskCompleted)
    assert fact.persisted == 50


async def test_a_late_delivery_of_an_ended_piece_is_withdrawn(books: Books) -> None:
    (piece,) = await books.accepted()
    await books.endings.halt(content_halted(**whose(piece)))
    event = stored(piece)
    await books.endings.deliver(event)
    (fact,) = await books.waiting(DeliveryWithdrawn)
    assert fact.object_keys == (event.delivery.object_key, event.delivery.thumbnail_key)
    assert (fact.reason, fact.run) == ("superseded", 1)
    assert (await books.piece(piece.piece_id)).piece.state == "failed"


async def test_a_delivery_of_an_older_run_is_withdrawn(books: Books) -> None:
    (piece,) = await books.accepted()
    await books.sql("UPDATE pieces SET current_run = 2")
    await books.endings.deliver(stored(piece))
    assert len(await books.waiting(DeliveryWithdrawn)) == 1
    newer = piece.model_copy(update={"run": 2})
    await books.endings.deliver(stored(newer))
    assert [fact.run for fact in await books.waiting(ContentPersisted)] == [2]


async def test_a_halt_of_an_older_run_ends_nothing(books: Books) -> None:
    (piece,) = await books.accepted()
    await books.sql("UPDATE pieces SET current_run = 2")
    await books.endings.halt(content_halted(**whose(piece)))
    assert await books.waiting(PieceEnded) == []


async def test_a_piece_whose_private_bytes_were_lost_is_asked_for_again(books: Books) -> None:
    (piece,) = await books.accepted()
    await books.sql("DELETE FROM outbox")
    lost = content_halted(**whose(piece), reason="image_lost")
    for _ in range(2):
        await books.endings.halt(lost)
    (asked,) = await books.waiting(ContentRequested)
    assert asked == piece.model_copy(update={"run": 2})
    await books.endings.deliver(stored(asked))
    assert [fact.run for fact in await books.waiting(ContentPersisted)] == [2]


async def test_a_store_that_loses_everything_does_not_cost_without_end(books: Books) -> None:
    (piece,) = await books.accepted()
    for run in range(1, MOST_RUNS_FOR_LOST_IMAGES + 1):
        assert not await books.waiting(ContentFailed)
        await books.endings.halt(content_halted(**whose(piece) | {"run": run}, reason="image_lost"))
    assert [fact.reason for fact in await books.waiting(ContentFailed)] == ["image_lost"]


async def test_a_rejection_keeps_its_verdict(books: Books) -> None:
    (piece,) = await books.accepted()
    refused = verdict(decision=Decision.REJECTED, rating=Rating.REJECTED, reason="too much")
    event = halted(piece, reason="moderation_rejected", verdict=refused)
    await books.endings.halt(event)
    shown = (await books.piece(piece.piece_id)).piece
    assert (shown.state, shown.safety_rating, shown.verdict_reason) == (
        "rejected",
        Rating.REJECTED,
        "too much",
    )
    (fact,) = await books.waiting(ContentRejected)
    assert fact.reason == "moderation_rejected"


async def test_a_verdict_about_other_bytes_fails_the_piece_and_withdraws_its_files(
    books: Books,
) -> None:
    (piece,) = await books.accepted()
    await books.endings.deliver(stored(piece, verdict=verdict(image_sha256="0" * 64)))
    (fact,) = await books.waiting(ContentFailed)
    assert fact.reason == "verdict_mismatch"
    assert len(await books.waiting(DeliveryWithdrawn)) == 1
    assert (await books.task(piece.task_id)).state is TaskState.FAILED


async def test_a_held_piece_waits_for_review_and_its_task_completes(books: Books) -> None:
    (piece,) = await books.accepted()
    await books.endings.deliver(stored(piece, **HELD))
    shown = (await books.piece(piece.piece_id)).piece
    assert (shown.state, shown.object_key, shown.url) == ("pending_review", None, None)
    assert shown.hooks == ("Golden hour.",)
    view = await books.task(piece.task_id)
    assert (view.state, view.counts.pending_review) == (TaskState.COMPLETED, 1)
    assert await books.waiting(PieceEnded) == []


async def test_a_held_piece_keeps_its_files_when_its_delivery_comes_again(books: Books) -> None:
    (piece,) = await books.accepted()
    for _ in range(2):
        await books.endings.deliver(stored(piece, **HELD))
    assert await books.waiting(DeliveryWithdrawn) == []
    assert len(await books.waiting(TaskCompleted)) == 1


async def test_an_end_tells_which_private_bytes_are_no_longer_needed(books: Books) -> None:
    (piece,) = await books.accepted()
    answer = await books.open_attempt(piece)
    image = blob(uri="jetstream://staging/first")
    await books.sql(
        "UPDATE attempts SET image = :image",
        image=image.model_dump_json(),
    )
    assert answer.answer == "go"
    await books.endings.halt(content_halted(**whose(piece)))
    (fact,) = await books.waiting(ContentFailed)
    assert fact.staged == (image,)


async def test_a_delivery_for_nobody_is_withdrawn(books: Books) -> None:
    await books.endings.deliver(content_stored(generation=generation()))
    (fact,) = await books.waiting(DeliveryWithdrawn)
    assert fact.reason == "avatar_deleted"


async def test_a_piece_of_another_tenant_is_nobodys(books: Books) -> None:
    (piece,) = await books.accepted()
    await books.endings.deliver(stored(piece, tenant="other"))
    assert (await books.piece(piece.piece_id)).piece.state == "requested"


async def test_many_deliveries_in_one_go_each_find_their_fate(books: Books) -> None:
    first, held, late, flawed, older = await books.accepted(5)
    await books.endings.halt(content_halted(**whose(late)))
    await books.sql("UPDATE pieces SET current_run = 2 WHERE id = :id", id=older.piece_id)
    other_files = stored(first).delivery.model_copy(update={"object_key": "content/a/rival.png"})
    rival = stored(first).model_copy(update={"delivery": other_files})
    await books.deliveries.deliver(
        [
            stored(first),
            stored(first),
            rival,
            stored(held, **HELD),
            stored(late),
            stored(flawed, verdict=verdict(image_sha256="0" * 64)),
            stored(flawed),
            stored(older),
            content_stored(),
            stored(older.model_copy(update={"run": 2})),
        ]
    )
    states = [(await books.piece(each.piece_id)).piece.state for each in (first, held, flawed)]
    assert states == ["persisted", "pending_review", "failed"]
    persisted = await books.waiting(ContentPersisted)
    assert [(each.piece_id, each.run) for each in persisted] == [
        (first.piece_id, 1),
        (older.piece_id, 2),
    ]
    kept = {each.object_key for each in persisted}
    withdrawn = [fact.object_keys[0] for fact in await books.waiting(DeliveryWithdrawn)]
    assert not kept & set(withdrawn)
    assert sorted(withdrawn) == sorted(
        [
            "content/a/rival.png",
            stored(late).delivery.object_key,
            stored(flawed).delivery.object_key,
            stored(flawed).delivery.object_key,
            stored(older).delivery.object_key,
            content_stored().delivery.object_key,
        ]
    )
    assert len(await books.waiting(TaskCompleted)) == 1


async def test_goes_about_the_same_pieces_from_two_replicas_do_not_block_each_other(
    books: Books, replica: Books
) -> None:
    pieces = await books.accepted(15) + await books.accepted(15)
    events = [stored(piece) for piece in pieces]
    backwards = events[::-1]
    await asyncio.gather(
        *(books.deliveries.deliver(events[n : n + 10]) for n in range(0, 30, 5)),
        *(replica.deliveries.deliver(backwards[n : n + 10]) for n in range(0, 30, 5)),
    )
    assert len(await books.waiting(ContentPersisted)) == 30
    assert await books.waiting(DeliveryWithdrawn) == []
    assert len(await books.waiting(TaskCompleted)) == 2
