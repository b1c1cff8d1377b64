"""Files that no piece has are told from those that somebody still needs."""

import pytest

from services.ledger.adapters.files import Files
from services.ledger.adapters.uploads import Uploads
from services.ledger.domain.files import Belonging, Owner
from shared.calls import (
    AvatarRef,
    FileArea,
    FindUnowned,
    ListedFile,
    PieceRef,
    RecordUpload,
    TakeDownPiece,
    UnownedFiles,
)
from shared.events import ContentRequested
from tests.builders import content_halted
from tests.ledger.books import TENANT, Books, stored, whose
from tests.ledger.reviewing import approve, delivered, held, rejection


async def unowned(books: Books, piece_id: str, *keys: str) -> set[str]:
    files = tuple(ListedFile(piece_id=piece_id, key=key) for key in keys)
    return set((await Files(books.database).unowned(FindUnowned(files=files))).keys)


def key(piece: ContentRequested, token: str = "token", ending: str = ".webp") -> str:
    return f"content/{piece.brief.avatar_id}/{piece.piece_id}_{token}{ending}"


async def test_a_piece_under_way_may_come_to_have_any_file(books: Books) -> None:
    (piece,) = await books.accepted()
    assert await unowned(books, piece.piece_id, key(piece), key(piece, "other")) == set()


async def test_a_delivered_piece_has_the_files_of_its_delivery_only(books: Books) -> None:
    (piece,) = await books.accepted()
    event = stored(piece)
    await books.endings.deliver(event)
    mine = [event.delivery.object_key, event.delivery.thumbnail_key]
    late = key(piece, "late")
    assert await unowned(books, piece.piece_id, *mine, late) == {late}


@pytest.mark.parametrize("ending", [".jpg", "_thumb.jpg", "_original.png"])
def test_what_lies_beside_a_delivery_is_the_pieces_too(ending: str) -> None:
    owner = Owner(has_ended=True, object_key="content/a/p_token.webp")
    assert owner.has(f"content/a/p_token{ending}")
    assert not owner.has(f"content/a/p_tokens{ending}")
    assert not owner.has(f"content/a/p_toke{ending}")
    assert not owner.has(f"content/b/p_token{ending}")


PUBLIC, PRIVATE, REVIEW = FileArea.PUBLIC, FileArea.PRIVATE, FileArea.REVIEW
OWNED, ELSEWHERE = Belonging.OWNED, Belonging.ELSEWHERE


@pytest.mark.parametrize(
    ("public", "uploaded", "area", "name", "belonging"),
    [
        (True, True, PUBLIC, "t.webp", OWNED),
        (True, True, PRIVATE, "t.webp", ELSEWHERE),
        (True, True, PRIVATE, "t_thumb.jpg", ELSEWHERE),
        (True, True, PRIVATE, "t_original.png", OWNED),
        (False, True, PRIVATE, "t.webp", OWNED),
        (False, True, PUBLIC, "t.webp", ELSEWHERE),
        (False, False, PRIVATE, "t.webp", OWNED),
        (False, False, PUBLIC, "t_thumb.jpg", Belonging.UNFINISHED),
        (False, False, PUBLIC, "u.webp", Belonging.UNOWNED),
        (True, True, REVIEW, "t.webp", OWNED),
        (True, True, None, "t.webp", OWNED),
    ],
)
def test_a_copy_in_the_wrong_area_is_told_from_the_piece(
    name: str, area: FileArea | None, belonging: Belonging, *, public: bool, uploaded: bool
) -> None:
    owner = Owner(has_ended=True, object_key="content/a/p_t.webp", public=public, uploaded=uploaded)
    assert owner.belonging(f"content/a/p_{name}", area) is belonging


async def test_an_upload_that_was_cut_off_is_told_with_its_tenant(books: Books) -> None:
    (piece,) = await books.accepted()
    event = stored(piece, delivery={"uploaded": False, "public": False})
    await books.endings.deliver(event)
    keys = (event.delivery.object_key, event.delivery.thumbnail_key)
    files = tuple(
        ListedFile(piece_id=piece.piece_id, key=key, area=area)
        for key in keys
        for area in (PUBLIC, PRIVATE)
    )
    found = await Files(books.database).unowned(FindUnowned(files=files))
    begun = PieceRef(tenant=TENANT, piece_id=piece.piece_id)
    assert found == UnownedFiles(keys=(), unfinished=(begun,))
    await Uploads(books.database).record(RecordUpload(**begun.model_dump(), url="u", public=True))
    found = await Files(books.database).unowned(FindUnowned(files=files))
    assert [(file.area, file.key) for file in found.elsewhere] == [(PRIVATE, key) for key in keys]
    assert (found.keys, found.unfinished) == ((), ())


async def test_a_piece_that_failed_has_none(books: Books) -> None:
    (piece,) = await books.accepted()
    await books.endings.halt(content_halted(**whose(piece)))
    assert await unowned(books, piece.piece_id, key(piece)) == {key(piece)}


async def test_files_that_wait_for_review_are_kept_until_it_is_decided(books: Books) -> None:
    waiting, approved = await held(books), await held(books)
    files = [waiting.delivery.object_key, waiting.delivery.thumbnail_key]
    assert await unowned(books, waiting.piece_id, *files) == set()
    await books.reviews.decide(rejection(waiting))
    assert await unowned(books, waiting.piece_id, *files) == set(files)

    final = delivered(await approve(books, approved))
    looked_at = approved.delivery.object_key
    assert await unowned(books, approved.piece_id, looked_at) == set()
    await books.endings.deliver(final)
    shown = final.delivery.object_key
    assert await unowned(books, approved.piece_id, looked_at, shown) == {looked_at}


async def test_what_was_taken_down_or_deleted_with_its_avatar_has_none(books: Books) -> None:
    pieces = await books.accepted(2)
    events = [stored(piece) for piece in pieces]
    for event in events:
        await books.endings.deliver(event)
    gone, kept = (event.delivery.object_key for event in events)
    # Another image: equal bytes are taken down together.
    await books.sql(
        "UPDATE content_pieces SET image_hash = repeat('1', 64), source_sha256 = repeat('1', 64),"
        " verdict_sha256 = repeat('1', 64) WHERE id = :id",
        id=pieces[1].piece_id,
    )
    request = TakeDownPiece(tenant=TENANT, piece_id=pieces[0].piece_id, by="key-1", reason="asked")
    await books.takedowns.take_down(request)
    assert await unowned(books, pieces[0].piece_id, gone) == {gone}
    assert await unowned(books, pieces[1].piece_id, kept) == set()
    avatar = AvatarRef(tenant=TENANT, avatar_id=pieces[1].brief.avatar_id)
    await books.deletion.delete_avatar(avatar)
    assert await unowned(books, pieces[1].piece_id, kept) == {kept}
