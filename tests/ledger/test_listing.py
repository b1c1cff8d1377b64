"""Pieces page by page, and one by one."""

import asyncio

import pytest

from shared.calls import ListPieces, Piece, PiecePage, PieceRef, PublishPiece
from shared.content import Rating, Tier
from shared.problems import Problem
from shared.rpc import MAX_REPLY_BYTES
from tests.builders import brief, captions, content_halted, verdict
from tests.ledger.books import TENANT, Books, stored, whose


def query(**fields: object) -> ListPieces:
    return ListPieces.model_validate({"tenant": TENANT} | fields)


async def walk(books: Books, request: ListPieces) -> list[Piece]:
    found: list[Piece] = []
    while True:
        page = await books.pieces.list(request)
        assert page.pieces or not found
        found.extend(page.pieces)
        if page.next_cursor is None:
            return found
        request = request.model_copy(update={"cursor": page.next_cursor})


async def test_a_tasks_pieces_come_in_order_each_once(books: Books) -> None:
    pieces = await books.accepted(7)
    listed = await walk(books, query(task_id=pieces[0].task_id, delivered_only=False, limit=3))
    assert [piece.id for piece in listed] == [piece.piece_id for piece in pieces]
    assert [piece.index for piece in listed] == list(range(7))


async def test_an_avatars_content_comes_newest_first_each_once(books: Books) -> None:
    avatar = await books.avatar()
    pieces = await books.accepted(5, avatar=avatar) + await books.accepted(2, avatar=avatar)
    for piece in pieces:
        await books.endings.deliver(stored(piece))
    listed = await walk(books, query(avatar_id=avatar.id, limit=2))
    assert [piece.id for piece in listed] == [piece.piece_id for piece in reversed(pieces)]


async def test_what_appears_while_paging_moves_nothing(books: Books) -> None:
    avatar = await books.avatar()
    pieces = await books.accepted(4, avatar=avatar)
    for piece in pieces[:3]:
        await books.endings.deliver(stored(piece))
    first = await books.pieces.list(query(avatar_id=avatar.id, limit=2))
    await books.endings.deliver(stored(pieces[3]))
    second = await books.pieces.list(query(avatar_id=avatar.id, cursor=first.next_cursor))
    ids = [piece.id for piece in (*first.pieces, *second.pieces)]
    assert ids == [piece.piece_id for piece in reversed(pieces[:3])]


async def test_only_delivered_pieces_are_listed_unless_asked_for(books: Books) -> None:
    delivered, failed, _ = await books.accepted(3)
    await books.endings.deliver(stored(delivered))
    await books.endings.halt(content_halted(**whose(failed)))
    avatar_id = delivered.brief.avatar_id
    assert len(await walk(books, query(avatar_id=avatar_id))) == 1
    everything = await walk(books, query(avatar_id=avatar_id, delivered_only=False, limit=2))
    assert sorted(piece.state for piece in everything) == ["failed", "persisted", "requested"]


async def test_pieces_are_filtered_by_tier_and_rating(books: Books) -> None:
    plain, raised, ordered = await books.accepted(3)
    await books.sql(
        "UPDATE pieces SET brief = jsonb_set(brief, '{tier}', '\"capa2\"') WHERE id = :id",
        id=ordered.piece_id,
    )
    await books.endings.deliver(stored(plain))
    await books.endings.deliver(
        stored(raised, verdict=verdict(tier=Tier.CAPA2, rating=Rating.SUGGESTIVE))
    )
    task = {"task_id": plain.task_id, "delivered_only": False}
    capa2 = await walk(books, query(**task, tier=Tier.CAPA2))
    assert [piece.id for piece in capa2] == [raised.piece_id, ordered.piece_id]
    suggestive = await walk(books, query(**task, rating=Rating.SUGGESTIVE))
    assert [piece.id for piece in suggestive] == [raised.piece_id]


async def test_a_page_of_large_pieces_ends_before_a_reply_is_too_large(books: Books) -> None:
    avatar = await books.avatar()
    long = "ü" * 2000
    briefs = tuple(brief(avatar_id=avatar.id, prompt=long, seed=n) for n in range(30))
    pieces = await books.accepted(30, avatar=avatar, briefs=briefs)
    for piece in pieces:
        await books.endings.deliver(stored(piece, captions=captions(*[long] * 5)))
    request = query(task_id=pieces[0].task_id, limit=50)
    page = await books.pieces.list(request)
    assert 1 < len(page.pieces) < 30
    assert len(page.model_dump_json().encode()) < MAX_REPLY_BYTES
    assert len(await walk(books, request)) == 30


async def test_a_strange_cursor_is_refused(books: Books) -> None:
    (piece,) = await books.accepted()
    for cursor in ("", "x", "!!!!", "WzFd", "bnVsbA", "WyJ4IiwgInkiXQ", "e30", "ÄÄÄÄ"):
        for owner in ({"avatar_id": piece.brief.avatar_id}, {"task_id": piece.task_id}):
            if owner.get("task_id") and cursor == "WzFd":
                continue  # the place after index 1 of a task
            with pytest.raises(Problem, match="invalid_cursor"):
                await books.pieces.list(query(cursor=cursor, **owner))


async def test_unknown_owners_are_not_found(books: Books) -> None:
    (piece,) = await books.accepted()
    for request, code in (
        (query(avatar_id="nobody"), "avatar_not_found"),
        (query(task_id="nothing"), "task_not_found"),
        (query(tenant="other", task_id=piece.task_id), "task_not_found"),
        (query(tenant="other", avatar_id=piece.brief.avatar_id), "avatar_not_found"),
        (query(), "invalid_request"),
    ):
        with pytest.raises(Problem, match=code):
            await books.pieces.list(request)


async def test_an_avatar_without_content_has_an_empty_page(books: Books) -> None:
    avatar = await books.avatar()
    assert await books.pieces.list(query(avatar_id=avatar.id)) == PiecePage(pieces=())


async def test_the_piece_of_another_tenant_is_unknown(books: Books) -> None:
    (piece,) = await books.accepted()
    with pytest.raises(Problem, match="piece_not_found"):
        await books.pieces.get(PieceRef(tenant="other", piece_id=piece.piece_id))


async def test_publishing_sets_time_and_price_and_again_only_the_price(books: Books) -> None:
    (piece,) = await books.accepted()
    await books.endings.deliver(stored(piece))
    ref = {"tenant": TENANT, "piece_id": piece.piece_id}
    first = await books.pieces.publish(PublishPiece(**ref, price_usd_micros=4_990_000))
    assert first.price_usd_micros == 4_990_000
    assert first.published_at is not None
    again = await books.pieces.publish(PublishPiece(**ref, price_usd_micros=1))
    assert (again.price_usd_micros, again.published_at) == (1, first.published_at)
    assert (await books.pieces.publish(PublishPiece(**ref))).price_usd_micros == 1


async def test_only_finished_pieces_can_be_published(books: Books) -> None:
    (piece,) = await books.accepted()
    with pytest.raises(Problem, match="piece_not_delivered"):
        await books.pieces.publish(PublishPiece(tenant=TENANT, piece_id=piece.piece_id))
    with pytest.raises(Problem, match="piece_not_found"):
        await books.pieces.publish(PublishPiece(tenant=TENANT, piece_id="nothing"))


async def test_readers_do_not_wait_for_writers(books: Books) -> None:
    (piece,) = await books.accepted()
    async with books.database.write() as transaction:
        locked = "SELECT 1 FROM pieces, tasks FOR UPDATE"
        await transaction.connection.exec_driver_sql(locked)
        async with asyncio.timeout(30):
            await books.piece(piece.piece_id)
            await books.task(piece.task_id)
