"""Accepting a task is one transaction: all of it or nothing, once."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from sqlalchemy import event
from structlog.testing import capture_logs

from services.ledger.adapters.database import Database
from services.ledger.adapters.database_url import driver_url
from shared.calls import AcceptTask, TaskState
from shared.content import Lane
from shared.events import ContentRequested
from shared.ids import piece_id
from shared.problems import Problem
from tests.builders import brief
from tests.ledger.books import Books, accept_task


@contextmanager
def said(database: Database) -> Iterator[list[str]]:
    """Every statement that is put to the server meanwhile; many rows may be of one."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    yield statements
    event.remove(database.engine.sync_engine, "before_cursor_execute", note)


async def refusal_of(books: Books, request: AcceptTask) -> Problem:
    with pytest.raises(Problem) as refused:
        await books.accept_task(request)
    return refused.value


async def test_an_accepted_task_is_queued_with_all_its_pieces(books: Books) -> None:
    avatar = await books.avatar()
    request = accept_task(avatar.id, 3, lane=Lane.INTERACTIVE)
    view = await books.accept_task(request)
    assert (view.state, view.progress, view.total) == (TaskState.QUEUED, 0, 3)
    assert view.counts.requested == 3
    assert view.config == {"num_pieces": 3}
    facts = await books.waiting()
    assert [fact.piece_id for fact in facts] == [piece_id(request.task_id, n) for n in range(3)]
    assert [fact.brief for fact in facts] == list(request.briefs)
    assert all(isinstance(fact, ContentRequested) and fact.run == 1 for fact in facts)
    assert {fact.lane for fact in facts} == {Lane.INTERACTIVE}


async def test_accepting_twice_makes_one_task(books: Books) -> None:
    request = accept_task((await books.avatar()).id, 2)
    first = await books.accept_task(request)
    again = await books.accept_task(request)
    assert first == again
    assert len(await books.waiting()) == 2


async def test_accepting_twice_at_the_same_time_makes_one_task(books: Books) -> None:
    request = accept_task((await books.avatar()).id, 2)
    views = await asyncio.gather(*(books.accept_task(request) for _ in range(5)))
    assert {view.task_id for view in views} == {request.task_id}
    assert len(await books.waiting()) == 2


async def test_a_task_accepted_before_is_shown_even_when_its_avatar_has_lost_its_weights(
    books: Books,
) -> None:
    request = accept_task((await books.avatar()).id)
    await books.accept_task(request)
    await books.sql("UPDATE avatars SET lora_weights_url = NULL")
    assert (await books.accept_task(request)).task_id == request.task_id


async def test_an_unknown_avatar_is_refused_and_leaves_nothing(books: Books) -> None:
    refused = await refusal_of(books, accept_task(str(uuid4())))
    assert (refused.details.status, refused.details.code) == (404, "avatar_not_found")
    assert await books.sql("SELECT id FROM tasks UNION ALL SELECT id FROM pieces") == []
    assert await books.waiting() == []


async def test_an_avatar_of_another_tenant_is_unknown(books: Books) -> None:
    avatar = await books.avatar()
    refused = await refusal_of(books, accept_task(avatar.id, tenant="other"))
    assert refused.details.code == "avatar_not_found"


async def test_an_avatar_without_weights_is_refused(books: Books) -> None:
    avatar = await books.avatar(lora_weights_url=None)
    refused = await refusal_of(books, accept_task(avatar.id))
    assert (refused.details.status, refused.details.code) == (400, "avatar_without_lora")
    assert refused.details.detail == "Avatar has no trained LoRA weights"


async def test_a_task_id_of_another_tenant_is_taken(books: Books) -> None:
    request = accept_task((await books.avatar()).id)
    await books.accept_task(request)
    refused = await refusal_of(books, request.model_copy(update={"tenant": "other"}))
    assert (refused.details.status, refused.details.code) == (409, "task_id_taken")


async def test_a_brief_of_another_avatar_is_refused(books: Books) -> None:
    avatar = await books.avatar()
    refused = await refusal_of(books, accept_task(avatar.id, briefs=(brief(),)))
    assert (refused.details.status, refused.details.field) == (422, "briefs")


async def test_a_task_id_that_is_no_uuid_is_refused(books: Books) -> None:
    avatar = await books.avatar()
    refused = await refusal_of(books, accept_task(avatar.id, task_id="task-1"))
    assert (refused.details.status, refused.details.field) == (422, "task_id")


async def test_five_hundred_pieces_take_no_more_questions_than_two(books: Books) -> None:
    avatar = await books.avatar()
    with said(books.database) as for_two:
        await books.accept_task(accept_task(avatar.id, 2))
    with said(books.database) as for_many:
        view = await books.accept_task(accept_task(avatar.id, 500))
    assert view.counts.requested == 500
    assert len(for_many) == len(for_two) == 1


async def test_of_two_orders_at_once_with_one_task_id_each_is_shown_one_task(
    books: Books, dsn: str
) -> None:
    request = accept_task((await books.avatar()).id, 3)
    other_process = Database.at(driver_url(dsn))
    others = Books(other_process)
    first, second = await asyncio.gather(books.accept_task(request), others.accept_task(request))
    await other_process.close()
    assert first == second
    assert len(await books.waiting()) == 3


async def test_an_order_that_is_entered_at_once_is_shown_as_it_is_recorded(books: Books) -> None:
    request = accept_task((await books.avatar()).id, 2, config={"when": None, "text": "\u00e9\n"})
    entered = await books.accept_task(request)
    assert entered == await books.task(request.task_id)


async def test_acceptance_wakes_the_relay_and_is_logged(books: Books, database: Database) -> None:
    request = accept_task((await books.avatar()).id, 2)
    assert not database.outbox_filled.is_set()
    with capture_logs() as logs:
        await books.accept_task(request)
    assert database.outbox_filled.is_set()
    assert [(line["event"], line["pieces"]) for line in logs] == [("task.accepted", 2)]
