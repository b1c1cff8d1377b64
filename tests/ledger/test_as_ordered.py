"""A delivery belongs to what was ordered: another brief than that of the books is refused."""

import pytest

from shared.content import Brief, Decision, Tier
from shared.events import ContentFailed, ContentRequested, DeliveryWithdrawn
from tests.builders import verdict
from tests.ledger.books import Books, stored
from tests.ledger.reviewing import WAITING


async def end_of(books: Books, piece: ContentRequested) -> tuple[str, str | None]:
    shown = (await books.piece(piece.piece_id)).piece
    return shown.state, shown.reason


@pytest.mark.parametrize(
    "news",
    [
        {"template_id": "any", "safety_check": False},
        {"tier": Tier.CAPA3},
        {"prompt": "something else"},
        {"seed": 4711},
    ],
    ids=lambda news: next(iter(news)),
)
@pytest.mark.parametrize("is_held", [False, True], ids=["delivered", "held"])
async def test_another_brief_than_the_ordered_one_is_refused(
    books: Books, news: dict[str, object], *, is_held: bool
) -> None:
    (piece,) = await books.accepted()
    judged = verdict(**WAITING) if is_held else verdict(decision=Decision.SKIPPED)
    files = {"held": is_held, "public": not is_held}
    changed = piece.brief.model_copy(update=news)
    event = stored(piece, brief=changed, verdict=judged, delivery=files)
    await books.endings.deliver(event)
    assert await end_of(books, piece) == ("failed", "brief_mismatch")
    (failed,) = await books.waiting(ContentFailed)
    assert failed.reason == "brief_mismatch"
    (gone,) = await books.waiting(DeliveryWithdrawn)
    assert gone.object_keys[0] == event.delivery.object_key
    assert await books.sql("SELECT 1 FROM content_pieces") == []


async def test_a_delivery_cannot_move_a_piece_to_another_avatar_or_task(books: Books) -> None:
    first, second = await books.accepted(2)
    other = await books.avatar()
    moved = stored(first, brief=first.brief.model_copy(update={"avatar_id": other.id}))
    (elsewhere,) = await books.accepted()
    lent = stored(second, task_id=elsewhere.task_id)
    await books.deliveries.deliver([moved, lent])
    for piece in (first, second):
        assert await end_of(books, piece) == ("failed", "brief_mismatch")
    assert {fact.task_id for fact in await books.waiting(ContentFailed)} == {first.task_id}
    assert (await books.task(first.task_id)).state == "failed"
    assert (await books.task(elsewhere.task_id)).state == "queued"


async def test_a_brief_recorded_before_a_field_was_there_is_still_the_same(books: Books) -> None:
    (piece,) = await books.accepted()
    plain = Brief.model_fields["safety_check"]
    assert piece.brief.safety_check == plain.default
    await books.sql("UPDATE pieces SET brief = brief - 'safety_check' || '{\"later\": 1}'")
    await books.endings.deliver(stored(piece))
    assert await end_of(books, piece) == ("persisted", None)


async def test_one_that_was_not_ordered_does_not_harm_the_others(books: Books) -> None:
    good, bad, fine = await books.accepted(3)
    changed = bad.brief.model_copy(update={"prompt": "something else"})
    events = [stored(good), stored(bad, brief=changed), stored(fine)]
    await books.deliveries.deliver(events)
    states = [(await end_of(books, each))[0] for each in (good, bad, fine)]
    assert states == ["persisted", "failed", "persisted"]
