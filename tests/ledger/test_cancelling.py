"""Cancelling: what has not begun never begins, what is under way ends as it would."""

import asyncio

import pytest

from shared.calls import TaskRef, TaskState
from shared.events import ContentFailed, TaskCompleted
from shared.problems import Problem
from tests.ledger.books import TENANT, Books, stored


def ref(task_id: str, tenant: str = TENANT) -> TaskRef:
    return TaskRef(tenant=tenant, task_id=task_id)


async def test_a_task_that_has_not_begun_is_cancelled_at_once(books: Books) -> None:
    piece, *_ = await books.accepted(3)
    view = await books.tasks.cancel(ref(piece.task_id))
    assert (view.state, view.counts.failed, view.progress) == (TaskState.CANCELLED, 3, 100)
    assert {reason.reason for reason in view.reasons} == {"cancelled"}
    assert len(await books.waiting(ContentFailed)) == 3
    (completed,) = await books.waiting(TaskCompleted)
    assert (completed.state, completed.failed) == ("cancelled", 3)


async def test_pieces_under_way_end_as_they_would(books: Books) -> None:
    begun, _ = await books.accepted(2)
    await books.open_attempt(begun)
    view = await books.tasks.cancel(ref(begun.task_id))
    assert view.state is not TaskState.CANCELLED
    assert (view.counts.failed, await books.waiting(TaskCompleted)) == (1, [])
    await books.endings.deliver(stored(begun))
    view = await books.task(begun.task_id)
    assert (view.state, view.counts.persisted, view.counts.failed) == (TaskState.CANCELLED, 1, 1)
    (completed,) = await books.waiting(TaskCompleted)
    assert completed.state == "cancelled"


async def test_nothing_begins_after_a_cancellation(books: Books) -> None:
    (piece,) = await books.accepted()
    await books.tasks.cancel(ref(piece.task_id))
    answer = await books.open_attempt(piece)
    assert (answer.answer, answer.reason) == ("no", "cancelled")


async def test_a_call_that_races_a_cancellation_either_begins_or_never_does(books: Books) -> None:
    pieces = await books.accepted(20)
    task_id = pieces[0].task_id
    answers, _ = await asyncio.gather(
        asyncio.gather(*(books.open_attempt(piece) for piece in pieces)),
        books.tasks.cancel(ref(task_id)),
    )
    begun = {
        piece.piece_id for piece, each in zip(pieces, answers, strict=True) if each.answer == "go"
    }
    rows = await books.sql("SELECT id, state FROM pieces")
    assert {row.id for row in rows if row.state == "requested"} == begun


async def test_cancelling_twice_is_cancelling_once(books: Books) -> None:
    begun, _ = await books.accepted(2)
    await books.open_attempt(begun)
    first = await books.tasks.cancel(ref(begun.task_id))
    assert await books.tasks.cancel(ref(begun.task_id)) == first
    await books.endings.deliver(stored(begun))
    assert (await books.tasks.cancel(ref(begun.task_id))).state is TaskState.CANCELLED
    assert len(await books.waiting(TaskCompleted)) == 1


async def test_a_finished_task_cannot_be_cancelled(books: Books) -> None:
    (piece,) = await books.accepted()
    await books.endings.deliver(stored(piece))
    with pytest.raises(Problem) as refused:
        await books.tasks.cancel(ref(piece.task_id))
    assert (refused.value.details.status, refused.value.details.code) == (
        409,
        "task_already_finished",
    )


async def test_the_task_of_another_tenant_is_unknown(books: Books) -> None:
    (piece,) = await books.accepted()
    with pytest.raises(Problem, match="task_not_found"):
        await books.tasks.cancel(ref(piece.task_id, tenant="other"))
