"""Uploads of pieces that were kept back: allowed by the record, recorded once, never undone."""

import asyncio

import pytest

from services.ledger.adapters.uploads import Uploads
from shared.calls import PieceRef, RecordUpload
from shared.events import ContentRequested
from shared.problems import Problem
from tests.builders import content_halted
from tests.ledger.books import TENANT, Books, stored, whose
from tests.ledger.reviewing import hold
from tests.ledger.test_takedowns import request as takedown
from tests.verdict_keys import KEYS

URL = "https://cdn.example.com/content/a/p.png"
KEPT_BACK = {"uploaded": False, "public": False}


async def kept_back(books: Books) -> ContentRequested:
    """A finished piece that was not uploaded."""
    (piece,) = await books.accepted()
    await books.endings.deliver(stored(piece, delivery=KEPT_BACK))
    return piece


def upload(piece_id: str, *, tenant: str = TENANT, public: bool = True) -> RecordUpload:
    return RecordUpload(tenant=tenant, piece_id=piece_id, url=URL, public=public)


def ref(piece_id: str, tenant: str = TENANT) -> PieceRef:
    return PieceRef(tenant=tenant, piece_id=piece_id)


async def test_a_receipt_holds_the_verdict_as_it_was_signed_for_this_run(books: Books) -> None:
    piece = await kept_back(books)
    receipt = await Uploads(books.database).receipt(ref(piece.piece_id))
    assert receipt.verdict is not None
    assert KEYS.vouch_for(piece, receipt.verdict)
    assert receipt.verdict.image_sha256 == receipt.source_sha256
    assert receipt.piece == (await books.piece(piece.piece_id)).piece


async def test_an_upload_is_shown_and_remembered_once_however_often_it_is_told(
    books: Books,
) -> None:
    piece, uploads = await kept_back(books), Uploads(books.database)
    answers = await asyncio.gather(*(uploads.record(upload(piece.piece_id)) for _ in range(5)))
    assert answers == [answers[0]] * 5
    assert (answers[0].uploaded, answers[0].public, answers[0].url) == (True, True, URL)
    detail = await books.piece(piece.piece_id)
    assert detail.piece == answers[0]
    told = [entry.detail for entry in detail.timeline if entry.fact == "content.uploaded"]
    assert told == [{"object_key": answers[0].object_key, "public": True}]
    # What is recorded stays: a later word changes nothing.
    assert await uploads.record(upload(piece.piece_id, public=False)) == answers[0]


async def test_the_delivery_that_is_told_again_changes_nothing_of_it(books: Books) -> None:
    piece = await kept_back(books)
    uploaded = await Uploads(books.database).record(upload(piece.piece_id))
    await books.endings.deliver(stored(piece, delivery=KEPT_BACK))
    assert (await books.piece(piece.piece_id)).piece == uploaded


async def refusal(books: Books, piece_id: str, tenant: str = TENANT) -> set[str]:
    """The codes that receipt and record are refused with."""
    uploads, codes = Uploads(books.database), set()
    for act in (
        uploads.receipt(ref(piece_id, tenant)),
        uploads.record(upload(piece_id, tenant=tenant)),
    ):
        with pytest.raises(Problem) as refused:
            await act
        codes.add(refused.value.details.code)
    return codes


async def test_what_nobody_may_see_is_never_uploaded(books: Books) -> None:
    piece = await kept_back(books)
    assert await refusal(books, piece.piece_id, "other") == {"piece_not_found"}
    assert await refusal(books, "nothing") == {"piece_not_found"}
    await books.takedowns.take_down(takedown(piece.piece_id))
    assert await refusal(books, piece.piece_id) == {"piece_taken_down"}
    (waiting, failed, under_way) = await books.accepted(3)
    await hold(books, waiting)
    await books.endings.halt(content_halted(**whose(failed)))
    for unfinished in (waiting, failed, under_way):
        assert await refusal(books, unfinished.piece_id) == {"piece_not_delivered"}


async def test_nothing_is_begun_for_a_frozen_avatar(books: Books) -> None:
    piece = await kept_back(books)
    await books.sql("UPDATE avatars SET frozen_at = now(), frozen_reason = 'minors'")
    with pytest.raises(Problem, match="avatar_frozen"):
        await Uploads(books.database).receipt(ref(piece.piece_id))


async def test_of_a_takedown_and_an_upload_at_once_the_takedown_wins(books: Books) -> None:
    piece = await kept_back(books)
    recorded, taken = await asyncio.gather(
        Uploads(books.database).record(upload(piece.piece_id)),
        books.takedowns.take_down(takedown(piece.piece_id)),
        return_exceptions=True,
    )
    assert not isinstance(taken, BaseException)
    assert not isinstance(recorded, BaseException) or "piece_taken_down" in str(recorded)
    shown = (await books.piece(piece.piece_id)).piece
    assert (shown.url, shown.object_key) == (None, None)
