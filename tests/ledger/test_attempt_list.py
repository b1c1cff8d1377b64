"""Provider calls page by page."""

import pytest

from shared.calls import BookedAttempt, ListAttempts
from shared.problems import Problem
from tests.ledger.books import TENANT, Books
from tests.ledger.test_attempts import settled
from tests.ledger.test_provider_records import FAILED, UNKNOWN, call


def query(**fields: object) -> ListAttempts:
    return ListAttempts.model_validate({"tenant": TENANT} | fields)


async def walk(books: Books, request: ListAttempts) -> list[BookedAttempt]:
    found: list[BookedAttempt] = []
    while True:
        page = await books.attempt_list.list(request)
        found.extend(page.attempts)
        if page.next_cursor is None:
            return found
        request = request.model_copy(update={"cursor": page.next_cursor})


async def test_calls_come_newest_first_each_once(books: Books) -> None:
    called = [await call(books, "modal") for _ in range(5)]
    listed = await walk(books, query(limit=2))
    assert [each.attempt_id for each in listed] == called[::-1]


async def test_calls_opened_at_the_same_moment_are_each_listed(books: Books) -> None:
    called = [await call(books, "modal") for _ in range(5)]
    await books.sql("UPDATE attempts SET opened_at = now()")
    listed = await walk(books, query(limit=2))
    assert sorted(each.attempt_id for each in listed) == sorted(called)


async def test_calls_are_found_by_outcome_provider_and_piece(books: Books) -> None:
    succeeded = await call(books, "modal")
    failed = await call(books, "modal", **FAILED, error_code="BAD_RESPONSE", detail="html")
    unknown = await call(books, "replicate", **UNKNOWN, cost_usd_micros=0)
    (piece,) = await books.accepted()
    opened = await books.open_attempt(piece)

    async def ids(**fields: object) -> list[str]:
        return [each.attempt_id for each in await walk(books, query(**fields))]

    assert await ids(outcome="succeeded") == [succeeded]
    assert await ids(outcome="failed") == [failed]
    assert await ids(outcome="unknown") == [unknown]
    assert await ids(outcome="open") == [opened.attempt_id]
    assert await ids(provider="modal") == [failed, succeeded]
    assert await ids(piece_id=piece.piece_id) == [opened.attempt_id]
    assert await ids(provider="modal", outcome="unknown") == []


async def test_a_call_is_told_whole(books: Books) -> None:
    (piece,) = await books.accepted()
    answer = await books.open_attempt(piece, provider="modal")
    end = FAILED | {"error_code": "BAD_RESPONSE", "detail": "html", "cost_usd_micros": 7}
    await books.calls.settle(settled(piece, answer.attempt_id, **end))
    (shown,) = await walk(books, query())
    assert (shown.piece_id, shown.task_id) == (piece.piece_id, piece.task_id)
    assert (shown.avatar_id, shown.number, shown.run) == (piece.brief.avatar_id, 1, 1)
    assert (shown.error_code, shown.detail) == ("BAD_RESPONSE", "html")
    assert (shown.cost_usd_micros, shown.duration_ms) == (7, 1200)
    assert shown.settled_at is not None
    assert shown.reconciled_at is None


async def test_another_tenant_sees_none(books: Books) -> None:
    await call(books, "modal")
    await call(books, "modal", **UNKNOWN)
    for fields in ({}, {"outcome": "unknown"}, {"outcome": "succeeded"}, {"provider": "modal"}):
        assert await walk(books, query(tenant="other", **fields)) == []


async def test_a_strange_cursor_is_refused(books: Books) -> None:
    for cursor in ("", "x", "!!!!", "WzFd", "bnVsbA"):
        with pytest.raises(Problem, match="invalid_cursor"):
            await books.attempt_list.list(query(cursor=cursor))
