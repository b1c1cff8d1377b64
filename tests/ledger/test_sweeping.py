"""The sweeper: late pieces end, lost ones are asked for again, queued ones are left alone."""

import asyncio

from services.ledger.handler.sweep import SweepPieces
from services.ledger.ports import Stalled
from shared.calls import TaskState
from shared.content import Lane
from shared.events import ContentFailed, ContentRequested, TaskCompleted
from tests.builders import attempt_settled, blob, generation
from tests.ledger.books import Books, stored


class QueuesInMemory:
    """Queues that hold what they are told to hold."""

    def __init__(self, *held: str) -> None:
        self.held = set(held)

    async def hold(self, piece: Stalled) -> bool:
        return piece.piece_id in self.held


def sweep(books: Books, *held: str) -> SweepPieces:
    queues = QueuesInMemory(*held)
    return SweepPieces(books.overdue, books.expired, queues, grace_s=60, quiet_s=180)


async def silence(books: Books, seconds: int = 200) -> None:
    """Let the books look as if nothing had happened for a while, with the outbox relayed."""
    await books.sql("DELETE FROM outbox")
    await books.sql(
        "UPDATE pieces SET progressed_at = now() - make_interval(secs => :s)", s=seconds
    )


async def lateness(books: Books, seconds: int) -> None:
    await books.sql("UPDATE pieces SET deadline_at = now() - make_interval(secs => :s)", s=seconds)


async def test_pieces_past_deadline_and_grace_fail_and_their_task_completes(books: Books) -> None:
    pieces = await books.accepted(3)
    await books.endings.deliver(stored(pieces[0]))
    await lateness(books, 61)
    await sweep(books)()
    view = await books.task(pieces[0].task_id)
    assert (view.state, view.counts.failed) == (TaskState.COMPLETED, 2)
    assert {fact.reason for fact in await books.waiting(ContentFailed)} == {"deadline"}
    assert len(await books.waiting(TaskCompleted)) == 1


async def test_pieces_within_the_grace_are_left_to_their_steps(books: Books) -> None:
    (piece,) = await books.accepted()
    await lateness(books, 50)
    await sweep(books)()
    assert (await books.piece(piece.piece_id)).piece.state == "requested"


async def test_a_silent_piece_that_no_queue_holds_gets_its_next_run(books: Books) -> None:
    (piece,) = await books.accepted(lane=Lane.INTERACTIVE)
    await silence(books)
    await sweep(books)()
    (fact,) = await books.waiting(ContentRequested)
    assert fact == piece.model_copy(update={"run": 2})
    await sweep(books)()
    assert len(await books.waiting()) == 1


async def test_a_piece_in_a_long_queue_is_not_asked_for_again(books: Books) -> None:
    (piece,) = await books.accepted()
    await silence(books)
    await sweep(books, piece.piece_id)()
    assert await books.waiting() == []


async def test_nothing_is_asked_for_again_while_the_outbox_is_behind(books: Books) -> None:
    first, _ = await books.accepted(2)
    await silence(books)
    await books.accepted()
    await books.sql("UPDATE outbox SET created_at = now() - interval '200 seconds'")
    await sweep(books)()
    assert (await books.piece(first.piece_id)).piece.run == 1


async def test_the_next_run_adopts_what_was_bought_before(books: Books) -> None:
    (piece,) = await books.accepted()
    answer = await books.open_attempt(piece)
    settled = attempt_settled(
        task_id=piece.task_id,
        piece_id=piece.piece_id,
        attempt_id=answer.attempt_id,
        image=blob(),
        generation=generation(attempt_id=answer.attempt_id),
    )
    await books.calls.settle(settled)
    await silence(books)
    await sweep(books)()
    (again,) = await books.waiting(ContentRequested)
    assert (await books.open_attempt(again, holder="host/2/x")).answer == "done"


async def test_a_piece_that_moves_at_the_last_moment_keeps_its_run(books: Books) -> None:
    (piece,) = await books.accepted()
    await silence(books)
    (seen,) = await books.overdue.stalled(quiet_s=180)
    await books.open_attempt(piece)
    assert not await books.overdue.request_again(seen)


async def test_what_settled_pieces_left_open_is_recorded_as_unknown(books: Books) -> None:
    ended, under_way = await books.accepted(2)
    await books.open_attempt(ended)
    await books.open_attempt(under_way)
    await books.endings.deliver(stored(ended))
    await books.sql("UPDATE attempts SET lease_until = now()")
    await sweep(books)()
    outcomes = {
        piece.piece_id: (await books.piece(piece.piece_id)).attempts[0].outcome
        for piece in (ended, under_way)
    }
    assert outcomes == {ended.piece_id: "unknown", under_way.piece_id: "open"}


async def test_one_replica_sweeps_at_a_time(books: Books) -> None:
    await books.accepted()
    await lateness(books, 61)
    async with books.overdue.alone() as alone:
        assert alone
        async with asyncio.timeout(30):
            await sweep(books)()
        assert await books.waiting(ContentFailed) == []
    await sweep(books)()
    assert len(await books.waiting(ContentFailed)) == 1
