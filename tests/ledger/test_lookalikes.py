"""Images that look the same: asked about by many at once, and noted among pieces of an avatar."""

from typing import Any
from uuid import uuid4

from services.ledger.domain.lookalikes import LIKE_BITS, MOST_COMPARED
from shared.calls import MatchImage
from shared.events import ContentRequested, ContentStored
from shared.together import Together
from tests.builders import verdict
from tests.ledger.books import TENANT, Books, stored

PRINT = 0x0F0F_0F0F_0F0F_0F0F
BITS = 64


def hexed(image_print: int) -> str:
    return f"{image_print:016x}"


def differing(bits: int, image_print: int = PRINT) -> str:
    """A print that differs in so many bits."""
    return hexed(image_print ^ ((1 << bits) - 1))


def made(piece: ContentRequested, image_print: str | None) -> ContentStored:
    return stored(piece, verdict=verdict(image_print=image_print))


async def block(books: Books, piece_id: str, image_print: str | None, sha256: str) -> None:
    await books.sql(
        "INSERT INTO blocked_images (tenant, sha256, image_print, piece_id)"
        " VALUES (:tenant, :sha, CAST(CAST(:print AS text) AS bit(64)), :piece)",
        tenant=TENANT,
        sha=sha256,
        print=None if image_print is None else f"x{image_print}",
        piece=piece_id,
    )


def ask(image_print: str | None, sha256: str = "0" * 64, **overrides: Any) -> MatchImage:
    given: dict[str, Any] = {"tenant": TENANT, "sha256": sha256, "image_print": image_print}
    return MatchImage.model_validate(given | overrides)


async def test_an_image_is_like_another_up_to_a_distance(books: Books) -> None:
    await block(books, "p", hexed(PRINT), "1" * 64)
    matches = await books.images.match([ask(differing(bits)) for bits in range(BITS + 1)])
    near = [bits for bits, match in enumerate(matches) if match.piece_id == "p"]
    assert near == list(range(LIKE_BITS + 1))


async def test_many_ask_at_once_and_each_gets_its_own_answer(books: Books) -> None:
    await block(books, "near", differing(2), "1" * 64)
    await block(books, "same", hexed(PRINT), "2" * 64)
    await block(books, "printless", None, "3" * 64)
    asked = [
        ask(hexed(PRINT)),
        ask(None, "3" * 64),
        ask(differing(40)),
        ask(differing(3)),
        ask(None),
        ask(hexed(PRINT), tenant="other"),
        ask(hexed(PRINT), "3" * 64),
    ]
    found = [each.piece_id for each in await books.images.match(asked)]
    assert found[:6] == ["same", "printless", None, "near", None, None]
    assert found[6] in {"same", "printless"}
    together = Together(books.images.match)
    assert (await together(asked[3])).piece_id == "near"
    assert await books.images.match([]) == []


async def duplicates(books: Books) -> dict[str, str | None]:
    rows = await books.sql("SELECT id, near_duplicate_of FROM content_pieces")
    return {row.id: row.near_duplicate_of for row in rows}


async def test_a_piece_names_the_oldest_earlier_one_that_it_looks_like(books: Books) -> None:
    first, second, third, other, printless = await books.accepted(5)
    for piece, image_print in (
        (first, hexed(PRINT)),
        (second, differing(3)),
        (third, differing(5)),
        (other, differing(30)),
        (printless, None),
    ):
        await books.endings.deliver(made(piece, image_print))
    assert await duplicates(books) == {
        first.piece_id: None,
        second.piece_id: first.piece_id,
        third.piece_id: first.piece_id,
        other.piece_id: None,
        printless.piece_id: None,
    }
    assert (await books.piece(second.piece_id)).piece.near_duplicate_of == first.piece_id


async def test_pieces_of_one_transaction_are_compared_as_well(books: Books) -> None:
    pieces = await books.accepted(3)
    await books.deliveries.deliver([made(piece, hexed(PRINT)) for piece in pieces])
    found = await duplicates(books)
    (oldest,) = [ident for ident, earlier in found.items() if earlier is None]
    assert {earlier for earlier in found.values() if earlier is not None} == {oldest}
    assert len(found) == 3


async def test_pieces_of_another_avatar_are_not_compared(books: Books) -> None:
    (one,), (other,) = await books.accepted(), await books.accepted()
    await books.deliveries.deliver([made(piece, hexed(PRINT)) for piece in (one, other)])
    assert set((await duplicates(books)).values()) == {None}


EARLIER = """
INSERT INTO content_pieces (id, tenant, avatar_id, task_id, url, object_key, thumbnail_key, public,
    uploaded, safety_rating, explicitness_level, image_hash, source_sha256, verdict_decision,
    verdict_sha256, image_print, created_at)
SELECT :prefix || n, 'default', :avatar, 't', 'u', 'k', 't', true, true, 'safe', 1, repeat('0', 64),
    repeat('0', 64), 'approved', repeat('0', 64), CAST((:first)::bigint + n AS bit(64)),
    now() - make_interval(secs => 10000 - n)
FROM generate_series(1, :count) AS n
"""


async def test_no_more_than_the_latest_pieces_are_looked_at(books: Books) -> None:
    (piece,) = await books.accepted()
    avatar, prefix = piece.brief.avatar_id, f"{uuid4()}-"
    await books.sql(EARLIER, avatar=avatar, prefix=prefix, first=0, count=MOST_COMPARED + 1)
    await books.sql("UPDATE content_pieces SET image_print = NULL")
    await books.sql(
        "UPDATE content_pieces SET image_print = CAST(CAST(:print AS text) AS bit(64))"
        " WHERE id IN (:a, :b)",
        print=f"x{hexed(PRINT)}",
        a=f"{prefix}1",
        b=f"{prefix}2",
    )
    await books.endings.deliver(made(piece, hexed(PRINT)))
    assert (await duplicates(books))[piece.piece_id] == f"{prefix}2"
