"""What follows from a decision: the piece goes on in a new run, or ends, whatever gets lost."""

from datetime import UTC, datetime, timedelta

import pytest

from services.ledger.domain.reviews import APPROVAL_LIMIT
from shared.calls import AvatarRef, TaskState
from shared.content import Rating
from shared.events import (
    ContentFailed,
    ContentPersisted,
    ContentRequested,
    DeliveryWithdrawn,
    PieceEnded,
    ReviewApproved,
    TaskCompleted,
)
from shared.problems import Problem
from tests.builders import content_halted
from tests.ledger.books import TENANT, Books, stored
from tests.ledger.reviewing import (
    approve,
    decision,
    delivered,
    held,
    hold,
    rejection,
    review,
)
from tests.ledger.test_sweeping import silence, sweep


async def test_an_approved_piece_goes_on_in_a_new_run_and_is_persisted(books: Books) -> None:
    event = await held(books)
    shown = await books.reviews.decide(decision(event, rating=Rating.SUGGESTIVE))
    assert (shown.state, [each.by for each in shown.decisions]) == ("moderated", ["key-1"])
    (fact,) = await books.waiting(ReviewApproved)
    assert (fact.run, fact.rating, fact.reviewers) == (2, Rating.SUGGESTIVE, ("key-1",))
    assert (fact.verdict, fact.delivery, fact.image) == (event.verdict, event.delivery, event.image)
    left = fact.deadline_at - datetime.now(UTC)
    assert timedelta(0) < APPROVAL_LIMIT - left < timedelta(minutes=1)
    await books.endings.deliver(delivered(fact))
    detail = await books.piece(event.piece_id)
    piece = detail.piece
    assert (piece.state, piece.run, piece.safety_rating) == ("persisted", 2, Rating.SUGGESTIVE)
    assert piece.reason is None
    assert [(entry.run, entry.fact) for entry in detail.timeline][-3:] == [
        (2, "review.approved"),
        (2, "content.stored"),
        (2, "content.persisted"),
    ]
    assert (await review(books, event.piece_id)).object_key == event.delivery.object_key


async def test_the_end_of_an_approved_piece_names_staged_bytes_only(books: Books) -> None:
    event = await held(books)
    await books.endings.deliver(delivered(await approve(books, event)))
    (end,) = await books.waiting(ContentPersisted)
    assert all(ref.uri.startswith("jetstream://") for ref in end.staged)
    assert end.run == 2


async def test_an_approval_settles_no_call_with_the_address_of_held_bytes(books: Books) -> None:
    (piece,) = await books.accepted()
    answer = await books.open_attempt(piece)
    event = await hold(books, piece)
    await books.sql("UPDATE attempts SET settled_at = NULL, outcome = 'open'")
    approved = delivered(await approve(books, event))
    made = approved.generation.model_copy(update={"attempt_id": answer.attempt_id})
    await books.endings.deliver(approved.model_copy(update={"generation": made}))
    assert await books.sql("SELECT 1 FROM attempts WHERE image->>'uri' LIKE 'review:%'") == []


async def test_the_task_that_completed_without_the_piece_counts_it_later(books: Books) -> None:
    event = await held(books)
    fact = await approve(books, event)
    view = await books.task(event.task_id)
    assert (view.state, view.counts.pending_review) == (TaskState.COMPLETED, 0)
    await books.endings.deliver(delivered(fact))
    view = await books.task(event.task_id)
    assert (view.counts.persisted, view.progress) == (1, 100)
    assert len(await books.waiting(TaskCompleted)) == 1


async def test_a_task_under_way_waits_for_an_approved_piece_as_for_any_other(books: Books) -> None:
    first, second = await books.accepted(2)
    event = await hold(books, first)
    fact = await approve(books, event)
    await books.endings.deliver(stored(second))
    assert await books.waiting(TaskCompleted) == []
    await books.endings.deliver(delivered(fact))
    (completed,) = await books.waiting(TaskCompleted)
    assert (completed.persisted, completed.pending_review) == (2, 0)


async def test_what_was_held_is_kept_when_its_delivery_comes_again_after_the_approval(
    books: Books,
) -> None:
    event = await held(books)
    fact = await approve(books, event)
    await books.endings.deliver(event)
    assert await books.waiting(DeliveryWithdrawn) == []
    assert (await books.piece(event.piece_id)).piece.state == "moderated"
    await books.endings.deliver(delivered(fact))
    for _ in range(2):
        await books.endings.deliver(delivered(fact))
    assert len(await books.waiting(PieceEnded)) == 1


async def test_held_files_that_come_again_after_a_rejection_go(books: Books) -> None:
    event = await held(books)
    await books.reviews.decide(rejection(event))
    await books.endings.deliver(event)
    (fact,) = await books.waiting(DeliveryWithdrawn)
    assert fact.object_keys[0] == event.delivery.object_key


async def test_an_approval_that_got_lost_is_told_again_and_nothing_is_bought(books: Books) -> None:
    event = await held(books, approvals_needed=2)
    await books.reviews.decide(decision(event, rating=Rating.BORDERLINE))
    first = await approve(books, event, by="key-2")
    await silence(books)
    await sweep(books)()
    (again,) = await books.waiting(ReviewApproved)
    assert again == first.model_copy(update={"run": 3})
    assert await books.waiting(ContentRequested) == []
    await books.endings.deliver(delivered(first))
    (late,) = await books.waiting(DeliveryWithdrawn)
    assert late.run == 2
    await books.endings.deliver(delivered(again))
    assert [end.run for end in await books.waiting(ContentPersisted)] == [3]


async def test_an_approved_piece_that_still_waits_for_its_signature_is_left_alone(
    books: Books,
) -> None:
    event = await held(books)
    await approve(books, event)
    await silence(books)
    await sweep(books, event.piece_id)()
    assert await books.waiting() == []
    assert (await books.piece(event.piece_id)).piece.run == 2


async def test_approved_bytes_that_were_lost_fail_the_piece_and_are_not_bought_again(
    books: Books,
) -> None:
    event = await held(books)
    fact = await approve(books, event)
    await books.sql("DELETE FROM outbox")
    names = ("tenant", "task_id", "piece_id", "run", "accepted_at", "deadline_at", "brief")
    whose = {name: getattr(fact, name) for name in names}
    await books.endings.halt(content_halted(**whose, reason="image_lost"))
    assert [end.reason for end in await books.waiting(ContentFailed)] == ["image_lost"]
    assert await books.waiting(ContentRequested) == []


async def test_an_avatar_is_deleted_with_what_is_held_and_what_was_approved(books: Books) -> None:
    first, second = await books.accepted(2)
    waiting, going = await hold(books, first), await hold(books, second)
    await approve(books, going)
    avatar = AvatarRef(tenant=TENANT, avatar_id=waiting.brief.avatar_id)
    await books.deletion.delete_avatar(avatar)
    withdrawn = {key for f in await books.waiting(DeliveryWithdrawn) for key in f.object_keys}
    assert withdrawn >= {waiting.delivery.object_key, going.delivery.object_key}
    assert await books.sql("SELECT 1 FROM pieces") == []
    assert len(await books.sql("SELECT 1 FROM review_decisions")) == 1
    with pytest.raises(Problem, match="review_not_found"):
        await review(books, waiting.piece_id)
    assert {f.reason for f in await books.waiting(ContentFailed)} == {"avatar_deleted"}
