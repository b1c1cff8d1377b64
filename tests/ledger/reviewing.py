"""Short ways to hold pieces and to decide about them."""

from typing import Any

import pytest

from services.ledger.domain.endings import IN_REVIEW
from shared.calls import DecideReview, PieceRef, Review
from shared.content import Decision, Rating
from shared.events import ContentRequested, ContentStored, ReviewApproved
from shared.problems import Problem
from tests.builders import delivery, verdict
from tests.ledger.books import TENANT, Books, stored
from tests.verdict_keys import signed

WAITING = {"decision": Decision.REVIEW, "rating": Rating.PENDING_REVIEW, "explicitness_level": 10}


async def hold(books: Books, piece: ContentRequested, **found: object) -> ContentStored:
    """Have a piece wait for review under a verdict with these news."""
    event = stored(
        piece,
        delivery={"held": True, "public": False},
        verdict=verdict(**(WAITING | found)),
    )
    await books.endings.deliver(event)
    return event


async def held(books: Books, **found: object) -> ContentStored:
    """A new piece that waits for review."""
    (piece,) = await books.accepted()
    return await hold(books, piece, **found)


def decision(event: ContentStored, **overrides: object) -> DecideReview:
    given: dict[str, object] = {
        "tenant": event.tenant,
        "piece_id": event.piece_id,
        "decision": "approve",
        "by": "key-1",
        "rating": Rating.SAFE,
    }
    return DecideReview.model_validate(given | overrides)


def rejection(event: ContentStored, **overrides: object) -> DecideReview:
    given: dict[str, object] = {"decision": "reject", "rating": None, "reason": "not ours"}
    return decision(event, **(given | overrides))


async def review(books: Books, piece_id: str, tenant: str = TENANT) -> Review:
    return await books.reviews.get(PieceRef(tenant=tenant, piece_id=piece_id))


def delivered(approved: ReviewApproved, **found: Any) -> ContentStored:
    """The delivery that follows an approval: safety has signed it, storage has filed it."""
    place = f"{IN_REVIEW}{approved.delivery.object_key}"
    key = f"content/{approved.brief.avatar_id}/{approved.piece_id}_{approved.run}"
    files = delivery(object_key=f"{key}.png", thumbnail_key=f"{key}_thumb.jpg")
    given = {"rating": approved.rating, "reviewers": approved.reviewers} | found
    event = ContentStored.following(
        approved,
        image=approved.image.model_copy(update={"uri": place}),
        verdict=verdict(**given),
        delivery=files,
    )
    return signed(event)


async def approve(books: Books, event: ContentStored, **overrides: object) -> ReviewApproved:
    """Approve a held piece, and give what goes out for it."""
    await books.reviews.decide(decision(event, **overrides))
    told: list[ReviewApproved] = await books.waiting(ReviewApproved)
    return told[-1]


async def refusal(books: Books, event: ContentStored, **overrides: object) -> tuple[int, str]:
    """How a decision is refused: status and code."""
    with pytest.raises(Problem) as refused:
        await books.reviews.decide(decision(event, **overrides))
    return refused.value.details.status, refused.value.details.code


async def age(books: Books, piece_id: str, days: float) -> None:
    """Let a piece look as if it had been held for so long."""
    await books.sql(
        "UPDATE pieces SET held_at = now() - make_interval(secs => :s) WHERE id = :id",
        s=days * 86400,
        id=piece_id,
    )
