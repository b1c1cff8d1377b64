"""A finished piece that is taken down: nobody sees it any more, its like is known, it has cost."""

import asyncio

import pytest

from shared.calls import AvatarRef, ListPieces, MatchImage, Piece, PublishPiece, TakeDownPiece
from shared.content import Sha256
from shared.events import (
    ContentFailed,
    ContentRequested,
    ContentStored,
    DeliveryWithdrawn,
    ReviewApproved,
)
from shared.problems import Problem
from tests.builders import SHA256, attempt_settled, verdict
from tests.ledger.books import TENANT, Books, stored
from tests.ledger.reviewing import decision, held, hold
from tests.ledger.reviewing import delivered as after_review
from tests.ledger.test_endings import replica

__all__ = ["replica"]

PRINT = "ffff0000ffff0000"


def looking(
    piece: ContentRequested, image_print: str | None, sha256: Sha256 = SHA256
) -> ContentStored:
    """The delivery of an image of these bytes and looks."""
    judged = verdict(image_sha256=sha256, image_print=image_print)
    files = {"image_sha256": sha256, "source_sha256": sha256}
    return stored(piece, verdict=judged, delivery=files)


async def delivered(
    books: Books, image_print: str | None = PRINT, sha256: Sha256 = SHA256
) -> tuple[ContentRequested, ContentStored]:
    """A new piece that is finished."""
    (piece,) = await books.accepted()
    event = looking(piece, image_print, sha256)
    await books.endings.deliver(event)
    return piece, event


def request(piece_id: str, **overrides: object) -> TakeDownPiece:
    given: dict[str, object] = {"tenant": TENANT, "by": "key-1", "reason": "a complaint"}
    return TakeDownPiece.model_validate(given | {"piece_id": piece_id} | overrides)


async def is_blocked(
    books: Books, sha256: Sha256, image_print: str | None = None, tenant: str = TENANT
) -> str | None:
    asked = MatchImage(tenant=tenant, sha256=sha256, image_print=image_print)
    return (await books.images.match([asked]))[0].piece_id


async def test_what_is_taken_down_has_no_address_and_keeps_its_record(books: Books) -> None:
    piece, event = await delivered(books)
    shown = await books.takedowns.take_down(request(piece.piece_id))
    assert shown.taken_down_at is not None
    assert (shown.url, shown.object_key, shown.thumbnail_key, shown.public) == (
        *(None, None, None),
        False,
    )
    detail = await books.piece(piece.piece_id)
    assert (detail.piece, detail.piece.state) == (shown, "persisted")
    assert detail.timeline[-1].fact == "content.taken_down"
    assert detail.timeline[-1].detail == {"by": "key-1", "reason": "a complaint"}
    (fact,) = await books.waiting(DeliveryWithdrawn)
    assert (fact.reason, fact.object_keys) == (
        "taken_down",
        (event.delivery.object_key, event.delivery.thumbnail_key),
    )
    ((action, by, reason),) = await books.sql("SELECT action, by, reason FROM moderation_actions")
    assert (action, by, reason) == ("take_down", "key-1", "a complaint")


async def test_taking_down_twice_is_taking_down_once(books: Books) -> None:
    piece, _ = await delivered(books)
    first = await books.takedowns.take_down(request(piece.piece_id))
    assert await books.takedowns.take_down(request(piece.piece_id, by="key-2")) == first
    assert len(await books.waiting(DeliveryWithdrawn)) == 1
    assert len(await books.sql("SELECT 1 FROM moderation_actions")) == 1


async def test_only_what_is_finished_can_be_taken_down(books: Books) -> None:
    first, second = await books.accepted(2)
    await hold(books, second)
    for piece in (first, second):
        with pytest.raises(Problem, match="piece_not_delivered"):
            await books.takedowns.take_down(request(piece.piece_id))
    done, _ = await delivered(books)
    for unknown in (request(done.piece_id, tenant="other"), request("nobody")):
        with pytest.raises(Problem, match="piece_not_found"):
            await books.takedowns.take_down(unknown)


async def test_lists_of_content_leave_it_out_and_lists_of_tasks_show_it(books: Books) -> None:
    piece, _ = await delivered(books)
    await books.takedowns.take_down(request(piece.piece_id))
    avatar = ListPieces(tenant=TENANT, avatar_id=piece.brief.avatar_id)
    assert (await books.pieces.list(avatar)).pieces == ()
    task = ListPieces(tenant=TENANT, task_id=piece.task_id, delivered_only=False)
    (shown,) = (await books.pieces.list(task)).pieces
    assert (shown.url, shown.taken_down_at is not None) == (None, True)


async def test_it_counts_in_cost_and_not_in_what_is_delivered(books: Books) -> None:
    (piece,) = await books.accepted()
    answer = await books.open_attempt(piece)
    settled = attempt_settled(
        task_id=piece.task_id, piece_id=piece.piece_id, attempt_id=answer.attempt_id
    )
    await books.calls.settle(settled)
    await books.endings.deliver(stored(piece))
    await books.takedowns.take_down(request(piece.piece_id))
    stats = await books.reports.stats(AvatarRef(tenant=TENANT, avatar_id=piece.brief.avatar_id))
    assert (stats.total_pieces, stats.tiers, stats.ratings) == (0, {}, {})
    assert (stats.total_cost_usd_micros, stats.states) == (10_000, {"persisted": 1})


async def test_it_cannot_be_published(books: Books) -> None:
    piece, _ = await delivered(books)
    await books.takedowns.take_down(request(piece.piece_id))
    with pytest.raises(Problem) as refused:
        await books.pieces.publish(PublishPiece(tenant=TENANT, piece_id=piece.piece_id))
    assert (refused.value.details.status, refused.value.details.code) == (410, "piece_taken_down")


async def test_takedown_and_publication_at_once_never_show_it(books: Books, replica: Books) -> None:
    for nth in range(5):
        piece, _ = await delivered(books, None, f"{nth}" * 64)
        results = await asyncio.gather(
            *(
                each.pieces.publish(PublishPiece(tenant=TENANT, piece_id=piece.piece_id))
                for each in (books, replica)
            ),
            *(each.takedowns.take_down(request(piece.piece_id)) for each in (replica, books)),
            return_exceptions=True,
        )
        problems = [each.details.code for each in results if isinstance(each, Problem)]
        assert set(problems) <= {"piece_taken_down"}
        assert all(isinstance(each, Piece | Problem) for each in results)
        shown = (await books.piece(piece.piece_id)).piece
        assert (shown.url, shown.taken_down_at is not None) == (None, True)
    assert len(await books.waiting(DeliveryWithdrawn)) == 5


async def test_its_files_go_again_if_its_delivery_is_heard_of_again(books: Books) -> None:
    piece, event = await delivered(books)
    await books.takedowns.take_down(request(piece.piece_id))
    await books.endings.deliver(event)
    first, again = await books.waiting(DeliveryWithdrawn)
    assert again.object_keys == first.object_keys
    assert again.subject_tokens != first.subject_tokens


async def test_its_bytes_and_its_like_are_known_in_its_tenant(books: Books) -> None:
    made = {"image_sha256": "1" * 64}
    (piece,) = await books.accepted()
    event = stored(piece, delivery=made, verdict=verdict(image_print=PRINT))
    await books.endings.deliver(event)
    assert await is_blocked(books, SHA256, PRINT) is None
    await books.takedowns.take_down(request(piece.piece_id))
    for judged_or_delivered in (SHA256, "1" * 64):
        assert await is_blocked(books, judged_or_delivered) == piece.piece_id
    assert await is_blocked(books, "2" * 64, PRINT) == piece.piece_id
    assert await is_blocked(books, "2" * 64) is None
    assert await is_blocked(books, SHA256, PRINT, tenant="other") is None


async def test_two_pieces_of_the_same_bytes_can_both_be_asked_for(books: Books) -> None:
    (first, _), (second, _) = await delivered(books), await delivered(books)
    for piece in (first, second):
        await books.takedowns.take_down(request(piece.piece_id))
    assert await is_blocked(books, SHA256) == first.piece_id
    assert len(await books.waiting(DeliveryWithdrawn)) == 2


async def test_a_piece_that_people_have_approved_can_be_taken_down_as_well(books: Books) -> None:
    event = await held(books)
    await books.reviews.decide(decision(event))
    (approved,) = await books.waiting(ReviewApproved)
    later = after_review(approved, image_print=PRINT)
    await books.endings.deliver(later)
    await books.takedowns.take_down(request(event.piece_id))
    (fact,) = await books.waiting(DeliveryWithdrawn)
    assert (fact.run, fact.object_keys[0]) == (2, later.delivery.object_key)
    with pytest.raises(Problem, match="review_decided"):
        await books.reviews.decide(decision(event, by="key-2"))


async def test_the_block_outlives_the_avatar(books: Books) -> None:
    piece, _ = await delivered(books)
    await books.takedowns.take_down(request(piece.piece_id))
    avatar = AvatarRef(tenant=TENANT, avatar_id=piece.brief.avatar_id)
    await books.deletion.delete_avatar(avatar)
    assert await is_blocked(books, SHA256) == piece.piece_id


async def test_a_look_alike_that_was_judged_before_the_takedown_is_not_recorded_after_it(
    books: Books,
) -> None:
    done, _ = await delivered(books)
    same_looks, same_bytes, unlike = await books.accepted(3)
    await books.takedowns.take_down(request(done.piece_id))
    await books.endings.deliver(looking(same_looks, "ffff0000ffff0001", "1" * 64))
    await books.endings.deliver(looking(same_bytes, None))
    await books.endings.deliver(looking(unlike, "0f0f0f0f0f0f0f0f", "2" * 64))
    for piece in (same_looks, same_bytes):
        shown = (await books.piece(piece.piece_id)).piece
        assert (shown.state, shown.reason) == ("failed", "image_taken_down")
    assert (await books.piece(unlike.piece_id)).piece.state == "persisted"
    assert len(await books.waiting(ContentFailed)) == 2
    assert [fact.reason for fact in await books.waiting(DeliveryWithdrawn)].count("superseded") == 2


async def test_it_is_told_where_nothing_was_ever_taken_down(books: Books) -> None:
    done, _ = await delivered(books)
    ask = MatchImage(tenant=TENANT, sha256="3" * 64)
    elsewhere = MatchImage(tenant="other", sha256="3" * 64)
    assert [found.nothing_taken_down for found in await books.images.match([ask])] == [True]
    await books.takedowns.take_down(request(done.piece_id))
    found = await books.images.match([ask, elsewhere])
    assert [each.nothing_taken_down for each in found] == [False, True]
