"""Administrators read what was done for the sake of safety, newest first."""

from typing import Any

import pytest

from shared.calls import ActionPage, ListActions
from shared.problems import Problem
from tests.ledger.books import TENANT, Books
from tests.ledger.test_freezing import blocked, unfreeze
from tests.ledger.test_takedowns import delivered, request


async def listed(books: Books, **wanted: Any) -> ActionPage:
    return await books.moderation_log.list(ListActions(**({"tenant": TENANT} | wanted)))


async def kinds(books: Books, **wanted: Any) -> list[str]:
    return [each.action for each in (await listed(books, **wanted)).actions]


async def test_actions_are_told_newest_first_with_who_and_why(books: Books) -> None:
    first, second = await books.accepted(2)
    for piece in (first, second):
        await books.endings.halt(blocked(piece))
    await books.freezes.unfreeze(unfreeze(first))
    newest, *_ = (await listed(books)).actions
    assert await kinds(books) == ["unfreeze", "freeze", "freeze"]
    assert (newest.by, newest.reason) == ("key-9", "a false alarm")
    assert newest.causes == (first.piece_id, second.piece_id)
    assert await kinds(books, tenant="other") == []


async def test_actions_can_be_chosen(books: Books) -> None:
    first, second = await books.accepted(2)
    for piece in (first, second):
        await books.endings.halt(blocked(piece))
    await books.freezes.unfreeze(unfreeze(first))
    done, _ = await delivered(books)
    await books.takedowns.take_down(request(done.piece_id))
    assert await kinds(books, avatar_id=done.brief.avatar_id) == ["take_down"]
    assert await kinds(books, action="freeze") == ["freeze", "freeze"]
    # What lifted a freeze is about all of its causes.
    assert await kinds(books, piece_id=second.piece_id) == ["unfreeze", "freeze"]
    assert await kinds(books, piece_id=second.piece_id, action="take_down") == []


async def test_actions_come_in_pages(books: Books) -> None:
    for number in range(5):
        done, _ = await delivered(books, None, f"{number}" * 64)
        await books.takedowns.take_down(request(done.piece_id, reason=f"{number}"))
    found: list[str] = []
    cursor = None
    for _ in range(3):
        page = await listed(books, limit=2, cursor=cursor)
        found += [each.reason for each in page.actions]
        cursor = page.next_cursor
    assert (found, cursor) == (["4", "3", "2", "1", "0"], None)
    with pytest.raises(Problem, match="invalid_cursor"):
        await listed(books, cursor="odd")


async def test_a_record_outlives_what_it_is_about(books: Books) -> None:
    done, _ = await delivered(books)
    await books.takedowns.take_down(request(done.piece_id))
    await books.sql("DELETE FROM avatars")
    assert await kinds(books, piece_id=done.piece_id) == ["take_down"]
