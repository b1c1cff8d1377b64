"""Held pieces: listed, shown and decided about, by as many people as it takes."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from shared.calls import ListReviews, PieceRef
from shared.content import BlockCategory, Rating, Tier
from shared.events import (
    ContentRejected,
    ReviewApproved,
)
from shared.problems import Problem
from tests.ledger.books import RETENTION, TENANT, Books, stored
from tests.ledger.reviewing import (
    age,
    approve,
    decision,
    delivered,
    held,
    refusal,
    rejection,
    review,
)


async def test_a_rejected_piece_ends_and_stays_readable(books: Books) -> None:
    event = await held(books)
    shown = await books.reviews.decide(rejection(event, by="key-2"))
    assert (shown.state, shown.decisions[0].reason) == ("rejected", "not ours")
    (end,) = await books.waiting(ContentRejected)
    assert (end.reason, end.run) == ("review_rejected", 1)
    piece = (await books.piece(event.piece_id)).piece
    assert (piece.state, piece.reason, piece.detail) == ("rejected", "review_rejected", "not ours")
    assert (await books.task(event.task_id)).counts.rejected == 1
    assert await review(books, event.piece_id) == shown


async def test_a_review_shows_all_that_a_decision_needs(books: Books) -> None:
    event = await held(books, reason="nobody could score it", approvals_needed=2)
    shown = await review(books, event.piece_id)
    assert (shown.state, shown.brief, shown.captions) == (
        "pending_review",
        event.brief,
        event.captions,
    )
    assert (shown.verdict, shown.object_key) == (event.verdict, event.delivery.object_key)
    assert shown.expires_at - shown.held_at == RETENTION
    assert shown.decisions == ()


async def test_two_people_have_to_agree_where_the_verdict_says_so(books: Books) -> None:
    event = await held(books, approvals_needed=2)
    await books.reviews.decide(decision(event, rating=Rating.SAFE))
    assert await books.waiting(ReviewApproved) == []
    assert await refusal(books, event) == (409, "already_approved")
    assert (await books.reviews.list(ListReviews(tenant=TENANT))).reviews[0].approvals == 1
    fact = await approve(books, event, by="key-2", rating=Rating.BORDERLINE)
    assert (fact.reviewers, fact.rating) == (("key-1", "key-2"), Rating.BORDERLINE)
    assert len((await review(books, event.piece_id)).decisions) == 2


async def test_one_rejection_outweighs_an_approval(books: Books) -> None:
    event = await held(books, approvals_needed=2)
    await books.reviews.decide(decision(event))
    await books.reviews.decide(rejection(event))
    assert (await books.piece(event.piece_id)).piece.state == "rejected"
    assert await books.waiting(ReviewApproved) == []


async def test_refusals_of_decisions(books: Books) -> None:
    event = await held(books, blocked=BlockCategory.MINORS)
    assert await refusal(books, event, rating=None) == (422, "rating_required")
    assert await refusal(books, event, rating=Rating.EXPLICIT) == (422, "rating_required")
    assert await refusal(books, event, decision="reject", rating=None) == (422, "reason_required")
    assert await refusal(books, event) == (409, "review_blocked")
    assert await books.sql("SELECT 1 FROM review_decisions") == []
    await books.reviews.decide(rejection(event))
    assert await refusal(books, event) == (409, "review_decided")
    assert await refusal(books, event, decision="reject", reason="x") == (409, "review_decided")


@pytest.mark.parametrize("hostile", ["nobody", "x' OR '1'='1", "..", "💣", "a" * 5000], ids=ascii)
async def test_hostile_ids_find_nothing(books: Books, hostile: str) -> None:
    event = await held(books)
    ref = PieceRef.model_construct(tenant=TENANT, piece_id=hostile)
    with pytest.raises(Problem, match="review_not_found"):
        await books.reviews.get(ref)
    asked = decision(event).model_copy(update={"piece_id": hostile})
    with pytest.raises(Problem, match="review_not_found"):
        await books.reviews.decide(asked)


async def test_a_piece_of_another_tenant_or_never_held_is_not_found(books: Books) -> None:
    event = await held(books)
    assert await refusal(books, event, tenant="other") == (404, "review_not_found")
    with pytest.raises(Problem, match="review_not_found"):
        await review(books, event.piece_id, "other")
    (piece,) = await books.accepted()
    await books.endings.deliver(stored(piece))
    with pytest.raises(Problem, match="review_not_found"):
        await review(books, piece.piece_id)


async def test_reviews_are_listed_from_the_one_that_waits_longest(books: Books) -> None:
    events = [await held(books) for _ in range(5)]
    for days, event in enumerate(events):
        await age(books, event.piece_id, days)
    await books.reviews.decide(rejection(events[2]))
    first = await books.reviews.list(ListReviews(tenant=TENANT, limit=2))
    rest = await books.reviews.list(ListReviews(tenant=TENANT, limit=2, cursor=first.next_cursor))
    oldest_first = [events[n].piece_id for n in (4, 3, 1, 0)]
    assert [each.piece_id for each in (*first.reviews, *rest.reviews)] == oldest_first
    assert rest.next_cursor is None
    assert (await books.reviews.list(ListReviews(tenant="other"))).reviews == ()
    with pytest.raises(Problem, match="invalid_cursor"):
        await books.reviews.list(ListReviews(tenant=TENANT, cursor="x"))


async def test_reviews_are_listed_by_avatar_task_tier_and_block(books: Books) -> None:
    plain = await held(books)
    blocked = await held(books, blocked=BlockCategory.REAL_PERSON, tier=Tier.CAPA2)

    async def found(**filters: Any) -> set[str]:
        page = await books.reviews.list(ListReviews(tenant=TENANT, **filters))
        return {each.piece_id for each in page.reviews}

    assert await found(avatar_id=plain.brief.avatar_id) == {plain.piece_id}
    assert await found(task_id=blocked.task_id) == {blocked.piece_id}
    assert await found(tier=Tier.CAPA2) == {blocked.piece_id}
    assert await found(blocked=True) == {blocked.piece_id}
    assert await found(blocked=False) == {plain.piece_id}


async def test_a_list_of_reviews_does_not_read_every_piece(books: Books) -> None:
    await held(books)
    async with books.database.engine.begin() as connection:
        await connection.execute(text("SET LOCAL enable_seqscan = off"))
        plan = await connection.execute(
            text(
                "EXPLAIN SELECT id FROM pieces WHERE state = 'pending_review'"
                " AND tenant = 'default' ORDER BY held_at, id LIMIT 20"
            )
        )
        lines = " ".join(row[0] for row in plan)
    assert "ix_pieces_waiting_for_review" in lines
    assert "Sort" not in lines


@pytest.mark.parametrize("table", ["review_decisions", "moderation_actions", "blocked_images"])
@pytest.mark.parametrize("change", ["UPDATE {} SET tenant = 'x'", "DELETE FROM {}", "TRUNCATE {}"])
async def test_the_database_itself_keeps_the_records_of_moderation(
    books: Books, table: str, change: str
) -> None:
    with pytest.raises(IntegrityError, match=f"{table} is append-only"):
        await books.sql(change.format(table))


async def test_the_database_refuses_content_after_a_review_without_an_approval(
    books: Books,
) -> None:
    event = await held(books)
    await books.endings.deliver(delivered(await approve(books, event)))
    with pytest.raises(IntegrityError, match="reviewed_verdict"):
        await books.sql("UPDATE pieces SET verdict_decision = 'skipped'")
