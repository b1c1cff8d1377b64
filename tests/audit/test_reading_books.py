"""The books are read as the ledger keeps them, captions and the calls for them included."""

import pytest

from tests.audit.postgres import read_books
from tests.audit.rows import CAPTIONS, IMAGE
from tests.ledger.books import Books
from tests.ledger.captioning import SHARE, ask, bought, buy, lost, shown
from tests.ledger.conftest import books, database, dsn, engine, tables, template
from tests.ledger.test_attempts import COST, settled

__all__ = ["books", "database", "dsn", "engine", "tables", "template"]


async def test_calls_are_read_with_their_kind_and_what_they_gave(books: Books, dsn: str) -> None:
    (piece,) = await books.accepted()
    image = await books.open_attempt(piece)
    fact = settled(piece, image.attempt_id)
    await books.calls.settle(fact)
    first = await ask(books, piece)
    await books.calls.settle(lost(piece, first.attempt_id))
    captions = (await buy(books, piece)).captions
    assert captions is not None
    assert fact.image is not None
    rows = sorted((await read_books(dsn)).attempts, key=lambda row: row.number)
    assert [(row.kind, row.image_sha256, row.hooks) for row in rows] == [
        (IMAGE, fact.image.sha256, ()),
        (CAPTIONS, None, ()),
        (CAPTIONS, None, captions.hooks),
    ]
    assert [row.cost_usd_micros for row in rows] == [COST, 0, SHARE]
    assert [row.is_unclear for row in rows] == [False, True, False]
    assert rows[2].captions == captions.model_dump(mode="json")


@pytest.mark.parametrize("is_old", [False, True])
async def test_content_is_read_with_the_captions_it_shows(
    books: Books,
    dsn: str,
    is_old: bool,
) -> None:
    (piece,) = await books.accepted()
    answer = await ask(books, piece)
    await books.endings.deliver(shown(piece, answer.attempt_id))
    if is_old:
        await books.sql("UPDATE content_pieces SET meta_data = meta_data - 'captions'")
    (content,) = (await read_books(dsn)).contents
    said = bought(answer.attempt_id).model_dump(mode="json", exclude_defaults=True)
    if is_old:
        said = {"source": "model", "hooks": said["hooks"]}
    assert content.captions == said
