"""A piece that arrives with an earlier image: recorded at no cost, and for what it is."""

from typing import Any

from services.ledger.handler.notes import NoteGenerated
from shared.calls import Avatar, AvatarRef, TakeDownPiece
from shared.content import Generation
from shared.events import ContentRequested, ContentStored
from shared.together import Together, told_nothing
from tests.builders import generation, image_generated, verdict
from tests.ledger.books import TENANT, Books, stored, whose
from tests.ledger.reviewing import WAITING, approve, delivered
from tests.ledger.test_attempts import COST, cost_of, settled
from tests.ledger.test_provider_records import FAILED
from tests.ledger.test_substitutes import CACHED, ordered

PRINT = "0f0f0f0f0f0f0f0f"


def stand_in(earlier: ContentRequested) -> Generation:
    """How the image of an earlier piece comes to a later one."""
    return generation(**CACHED | {"cached_from": earlier.piece_id})


def stored_again(piece: ContentRequested, earlier: ContentRequested, **more: Any) -> ContentStored:
    return stored(piece, generation=stand_in(earlier), **more)


async def original(books: Books, avatar: Avatar) -> ContentRequested:
    """A finished piece whose image cost money."""
    (earlier,) = await ordered(books, avatar)
    answer = await books.open_attempt(earlier)
    await books.calls.settle(settled(earlier, answer.attempt_id))
    made = generation(attempt_id=answer.attempt_id)
    judged = verdict(image_print=PRINT)
    await books.endings.deliver(stored(earlier, generation=made, verdict=judged))
    return earlier


async def test_it_is_recorded_at_no_cost_and_without_a_call(books: Books) -> None:
    avatar = await books.avatar()
    earlier = await original(books, avatar)
    (piece,) = await ordered(books, avatar)
    await books.endings.deliver(stored_again(piece, earlier))
    shown = await books.piece(piece.piece_id)
    assert (shown.piece.state, shown.piece.cost_usd_micros) == ("persisted", 0)
    assert shown.attempts == ()
    assert shown.piece.generation == stand_in(earlier)
    assert await cost_of(books, piece) == 0
    stats = await books.reports.stats(AvatarRef(tenant=TENANT, avatar_id=avatar.id))
    assert (stats.total_pieces, stats.total_cost_usd_micros) == (2, COST)


async def test_it_is_delivered_beside_others_that_were_bought(books: Books) -> None:
    avatar = await books.avatar()
    earlier = await original(books, avatar)
    bought, lent = await ordered(books, avatar, 2)
    answer = await books.open_attempt(bought)
    made = generation(attempt_id=answer.attempt_id, cost_usd_micros=COST)
    together = [stored_again(lent, earlier), stored(bought, generation=made)]
    await books.deliveries.deliver(together)
    assert await cost_of(books, bought) == COST
    assert (await books.piece(lent.piece_id)).attempts == ()


async def test_the_calls_that_failed_before_stay_its_cost(books: Books) -> None:
    avatar = await books.avatar()
    earlier = await original(books, avatar)
    (piece,) = await ordered(books, avatar)
    answer = await books.open_attempt(piece)
    garbage = FAILED | {"error_code": "INVALID_IMAGE"}
    await books.calls.settle(settled(piece, answer.attempt_id, **garbage))
    await books.endings.deliver(stored_again(piece, earlier))
    shown = await books.piece(piece.piece_id)
    assert shown.piece.cost_usd_micros == COST
    assert [each.outcome for each in shown.attempts] == ["failed"]
    assert shown.piece.generation == stand_in(earlier)


async def test_it_is_no_near_duplicate_of_its_own_source(books: Books) -> None:
    avatar = await books.avatar()
    earlier = await original(books, avatar)
    lent, alike = await ordered(books, avatar, 2)
    judged = verdict(image_print=PRINT)
    await books.endings.deliver(stored_again(lent, earlier, verdict=judged))
    await books.endings.deliver(stored(alike, verdict=judged))
    assert (await books.piece(lent.piece_id)).piece.near_duplicate_of is None
    doubt = (await books.piece(alike.piece_id)).piece.near_duplicate_of
    assert doubt == earlier.piece_id


async def test_its_timeline_says_what_it_is(books: Books) -> None:
    avatar = await books.avatar()
    earlier = await original(books, avatar)
    (piece,) = await ordered(books, avatar)
    note = NoteGenerated(Together(told_nothing(books.notes.note)))
    await note(image_generated(**whose(piece), generation=stand_in(earlier)))
    shown = await books.piece(piece.piece_id)
    (entry,) = [each for each in shown.timeline if each.fact == "image.generated"]
    assert (entry.detail["source"], entry.detail["cached_from"]) == ("cached", earlier.piece_id)
    assert (entry.detail["degraded"], entry.detail["level"]) == (True, 3)
    assert entry.detail["degraded_reason"] == "cached"
    assert shown.attempts == ()


async def test_while_it_is_held_it_is_shown_as_what_it_is(books: Books) -> None:
    avatar = await books.avatar()
    earlier = await original(books, avatar)
    (piece,) = await ordered(books, avatar)
    files = {"held": True, "public": False}
    event = stored_again(piece, earlier, delivery=files, verdict=verdict(**WAITING))
    await books.endings.deliver(event)
    shown = (await books.piece(piece.piece_id)).piece
    assert (shown.state, shown.generation) == ("pending_review", stand_in(earlier))
    await books.endings.deliver(delivered(await approve(books, event)))
    assert (await books.piece(piece.piece_id)).piece.generation == stand_in(earlier)


async def test_its_source_taken_down_takes_it_along(books: Books) -> None:
    avatar = await books.avatar()
    earlier = await original(books, avatar)
    first, late = await ordered(books, avatar, 2)
    await books.endings.deliver(stored_again(first, earlier))
    down = {"piece_id": earlier.piece_id, "by": "key-1", "reason": "complaint"}
    await books.takedowns.take_down(TakeDownPiece.model_validate({"tenant": TENANT} | down))
    assert (await books.piece(first.piece_id)).piece.taken_down_at is not None
    await books.endings.deliver(stored_again(late, earlier))
    shown = (await books.piece(late.piece_id)).piece
    assert (shown.state, shown.reason) == ("failed", "image_taken_down")


async def test_a_verdict_about_other_bytes_is_refused_all_the_same(books: Books) -> None:
    avatar = await books.avatar()
    earlier = await original(books, avatar)
    (piece,) = await ordered(books, avatar)
    other = verdict(image_sha256="1" * 64)
    await books.endings.deliver(stored_again(piece, earlier, verdict=other))
    shown = (await books.piece(piece.piece_id)).piece
    assert (shown.state, shown.reason) == ("failed", "verdict_mismatch")
