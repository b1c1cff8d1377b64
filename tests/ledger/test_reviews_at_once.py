"""Decisions at the same moment, and the decision of time, leave one outcome."""

import asyncio

from shared.calls import Review
from shared.events import (
    ContentRejected,
    ReviewApproved,
)
from shared.problems import Problem
from tests.ledger.books import Books
from tests.ledger.reviewing import (
    age,
    decision,
    held,
    refusal,
    rejection,
    review,
)
from tests.ledger.test_endings import replica
from tests.ledger.test_sweeping import sweep

__all__ = ["replica"]


async def test_many_reviewers_at_once_approve_a_piece_once(books: Books, replica: Books) -> None:
    event = await held(books, approvals_needed=2)
    asked = [decision(event, by=f"key-{n}") for n in range(6)]
    results = await asyncio.gather(
        *((books, replica)[n % 2].reviews.decide(each) for n, each in enumerate(asked)),
        return_exceptions=True,
    )
    agreed = [each for each in results if isinstance(each, Review)]
    refused = [each.details.code for each in results if isinstance(each, Problem)]
    assert (len(agreed), refused) == (2, ["review_decided"] * 4)
    (fact,) = await books.waiting(ReviewApproved)
    assert len(set(fact.reviewers)) == 2
    assert (await books.piece(event.piece_id)).piece.run == 2


async def test_the_same_reviewer_at_once_counts_once(books: Books, replica: Books) -> None:
    event = await held(books, approvals_needed=2)
    results = await asyncio.gather(
        *(each.reviews.decide(decision(event)) for each in (books, replica, books)),
        return_exceptions=True,
    )
    assert sum(isinstance(each, Review) for each in results) == 1
    assert await books.waiting(ReviewApproved) == []


async def test_an_approval_and_a_rejection_at_once_leave_one_outcome(
    books: Books, replica: Books
) -> None:
    for _ in range(5):
        event = await held(books)
        results = await asyncio.gather(
            books.reviews.decide(decision(event)),
            replica.reviews.decide(rejection(event, by="key-2")),
            return_exceptions=True,
        )
        (won,) = [each for each in results if isinstance(each, Review)]
        assert len(won.decisions) == 1
        outcome = "moderated" if won.decisions[0].decision == "approve" else "rejected"
        assert (await books.piece(event.piece_id)).piece.state == outcome


async def test_a_review_expires_by_itself(books: Books) -> None:
    old, young = await held(books), await held(books)
    await age(books, old.piece_id, 30.1)
    await age(books, young.piece_id, 29.9)
    await sweep(books)()
    shown = await review(books, old.piece_id)
    assert (shown.state, [each.by for each in shown.decisions]) == ("rejected", ["system"])
    (end,) = await books.waiting(ContentRejected)
    assert (end.piece_id, end.reason) == (old.piece_id, "review_expired")
    assert (await review(books, young.piece_id)).state == "pending_review"
    ((action, by),) = await books.sql("SELECT action, by FROM moderation_actions")
    assert (action, by) == ("review_expire", "system")
    assert await refusal(books, old) == (409, "review_decided")


async def test_an_approval_against_the_expiry_leaves_one_outcome(
    books: Books, replica: Books
) -> None:
    events = [await held(books) for _ in range(10)]
    for event in events:
        await age(books, event.piece_id, 31)
    await asyncio.gather(
        replica.expired.reject_expired(),
        *(books.reviews.decide(decision(event)) for event in events),
        return_exceptions=True,
    )
    while await books.expired.reject_expired():
        pass
    approved = {fact.piece_id for fact in await books.waiting(ReviewApproved)}
    rejected = {fact.piece_id for fact in await books.waiting(ContentRejected)}
    assert approved | rejected == {event.piece_id for event in events}
    assert not approved & rejected
