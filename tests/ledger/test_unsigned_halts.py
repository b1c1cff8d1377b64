"""A halt acts on a verdict only if somebody vouches for it."""

from collections.abc import Callable

import pytest

from shared.events import ContentFailed, ContentHalted, ContentRejected
from tests.ledger.books import Books
from tests.ledger.test_freezing import actions, blocked, ref
from tests.verdict_keys import STRANGER


def unsigned(event: ContentHalted) -> ContentHalted:
    assert event.verdict is not None
    verdict = event.verdict.model_copy(update={"signature": None})
    return event.model_copy(update={"verdict": verdict})


def by_a_stranger(event: ContentHalted) -> ContentHalted:
    assert event.verdict is not None
    return event.model_copy(update={"verdict": STRANGER.sign(event, event.verdict)})


def of_another_run(event: ContentHalted) -> ContentHalted:
    return event.model_copy(update={"run": event.run + 1})


@pytest.mark.parametrize("forge", [unsigned, by_a_stranger, of_another_run])
async def test_a_verdict_without_a_word_from_safety_neither_freezes_nor_rejects(
    books: Books, forge: Callable[[ContentHalted], ContentHalted]
) -> None:
    (piece,) = await books.accepted()
    await books.endings.halt(forge(blocked(piece)))
    assert (await books.avatars.get(ref(piece))).frozen is None
    shown = (await books.piece(piece.piece_id)).piece
    assert (shown.state, shown.reason, shown.safety_rating) == ("failed", "verdict_unsigned", None)
    (failed,) = await books.waiting(ContentFailed)
    assert failed.reason == "verdict_unsigned"
    assert await books.waiting(ContentRejected) == []
    assert await actions(books) == []


async def test_a_verdict_about_another_piece_is_not_believed(books: Books) -> None:
    mine, other = await books.accepted(2)
    stolen = blocked(other).verdict
    await books.endings.halt(blocked(mine).model_copy(update={"verdict": stolen}))
    assert (await books.avatars.get(ref(mine))).frozen is None
    assert (await books.piece(mine.piece_id)).piece.reason == "verdict_unsigned"
    assert (await books.piece(other.piece_id)).piece.state == "requested"
