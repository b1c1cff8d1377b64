"""I1 finds every way in which a piece or a task may end wrongly."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.audit import pieces_end
from tests.audit.rows import OutboxRow
from tests.audit.spoiling import (
    changed,
    with_books,
    with_evidence,
    with_fact,
    with_streams,
    without_fact,
)
from tests.audit.streams import FactMessage, Queue
from tests.audit.world import World
from tests.audit.worlds import BROKEN, DEADLINE, SOLD, TASK, WAITING, fact, sound_world

Spoil = Callable[[World], World]


def piece(which: str, **news: object) -> Spoil:
    """A row of a piece has these news."""
    return lambda world: with_books(
        world, pieces=changed(world.books.pieces, lambda row: row.piece_id == which, **news)
    )


def task(**news: object) -> Spoil:
    """The row of the task has these news."""
    return lambda world: with_books(world, tasks=changed(world.books.tasks, bool, **news))


def shown(**counts: int) -> Spoil:
    """The door shows these counts."""
    return lambda world: replace(
        world, shown=changed(world.shown, bool, counts={**world.shown[0].counts, **counts})
    )


def told(message: FactMessage) -> Spoil:
    """One message more."""
    return lambda world: with_fact(world, message)


def untold(name: str, piece_id: str = "") -> Spoil:
    """This was never written."""
    return lambda world: without_fact(world, name, piece_id)


def completed_twice(world: World) -> World:
    return with_fact(world, world.messages("task.completed")[0])


def without_rows(world: World) -> World:
    return with_books(world, tasks=(), pieces=())


def without_a_piece(world: World) -> World:
    return with_books(world, pieces=world.books.pieces[1:])


def of_an_order_for_five(world: World) -> World:
    orders = changed(world.evidence.orders, bool, num_pieces=5)
    return with_evidence(world, orders=orders)


def with_outbox(world: World) -> World:
    return with_books(world, outbox=(OutboxRow(1, "content.failed", 20.0),))


def with_a_queue(world: World) -> World:
    return with_streams(world, queues=(Queue("CONTENT_STORED", "piece-persisted", 1, 1),))


def with_a_dead_letter(world: World) -> World:
    letter = FactMessage("dead.letter", ("piece-persisted", "1", "a"), 1, 20.0, {"reason": "why"})
    return with_streams(world, dead_letters=(letter,))


def in_another_order(world: World) -> World:
    facts = changed(world.streams.facts, lambda each: each.fact == "content.stored", at=21.5)
    return with_streams(world, facts=facts)


def reason_told_otherwise(world: World) -> World:
    facts = changed(
        world.streams.facts, lambda each: each.fact == "content.failed", body={"reason": "deadline"}
    )
    return with_streams(world, facts=facts)


def counts_told_otherwise(world: World) -> World:
    facts = changed(
        world.streams.facts, lambda each: each.fact == "task.completed", body={"persisted": 4}
    )
    return with_streams(world, facts=facts)


BREACHES: dict[str, tuple[str, Spoil]] = {
    "an accepted task is not on record": ("task_missing", without_rows),
    "more was ordered than is on record": ("total_differs", of_an_order_for_five),
    "a piece has no row": ("pieces_missing", without_a_piece),
    "its owner cannot see the task": (
        "not_shown",
        lambda world: replace(world, shown=changed(world.shown, bool, task_id="other")),
    ),
    "the door hides what waits for review": ("shown_differs", shown(pending_review=0)),
    "nobody has a piece in hand": ("stranded", piece(SOLD, state="hooked", content_id=None)),
    "a piece is late": (
        "not_ended",
        lambda world: with_a_queue(piece(SOLD, state="hooked", content_id=None)(world)),
    ),
    "a piece ends long after its deadline": ("ended_late", piece(BROKEN, ended_at=DEADLINE + 91)),
    "a piece ends twice": ("ended_twice", told(fact("content.failed", SOLD, 30, reason="x"))),
    "a piece ends twice in two runs": (
        "ended_twice",
        told(fact("content.persisted", SOLD, 30, run=2)),
    ),
    "the end is told of another run": ("end_differs", piece(BROKEN, run=2)),
    "the end told is not the one on record": (
        "end_differs",
        piece(BROKEN, state="rejected", reason="invalid_prompt"),
    ),
    "a piece that waits is told to have ended": (
        "end_differs",
        told(fact("content.failed", WAITING, 30, reason="x")),
    ),
    "the end is not told": ("end_untold", untold("content.failed")),
    "another reason is told": ("reason_differs", reason_told_otherwise),
    "the history lacks the end": (
        "history_differs",
        lambda world: with_books(world, history=world.books.history[1:]),
    ),
    "a piece was never requested": ("never_requested", untold("content.requested", BROKEN)),
    "a step of a delivered piece is missing": ("way_broken", untold("content.hooked", SOLD)),
    "a step of a held piece is missing": ("way_broken", untold("content.moderated", WAITING)),
    "a step was taken twice": ("way_broken", told(fact("content.hooked", SOLD, 21))),
    "the steps are in another order": ("way_out_of_order", in_another_order),
    "a fact is about a piece that nobody ordered": (
        "unknown_piece",
        told(replace(fact("image.generated", SOLD, 20), tokens=("default", TASK, "ghost", "1"))),
    ),
    "a fact is about a run that nobody requested": (
        "unknown_run",
        told(fact("content.hooked", SOLD, 21, run=2)),
    ),
    "the task never completes": (
        "never_completed",
        task(state="accepted", completed_at=None),
    ),
    "the task completes while a piece is under way": (
        "completed_early",
        piece(SOLD, state="moderated", content_id=None),
    ),
    "its completion is not told": ("completed_facts", untold("task.completed")),
    "its completion is told twice": ("completed_facts", completed_twice),
    "its completion tells other counts": ("completion_differs", counts_told_otherwise),
    "a fact waits in the outbox": ("outbox", with_outbox),
    "a queue is not empty": ("queue", with_a_queue),
    "a message was put aside": ("put_aside", with_a_dead_letter),
}


@pytest.mark.parametrize(("code", "spoil"), BREACHES.values(), ids=BREACHES.keys())
def test_breach_is_found_when(code: str, spoil: Spoil) -> None:
    found = pieces_end.violations(spoil(sound_world()))
    assert code in {each.code for each in found}
    assert {each.invariant for each in found} == {"I1"}


def test_a_later_run_that_was_requested_is_fine() -> None:
    again = with_fact(sound_world(), fact("content.requested", BROKEN, 12.5, run=2))
    books = piece(BROKEN, run=2)(again)
    ended = with_streams(
        books,
        facts=tuple(
            fact("content.failed", BROKEN, 13, run=2, reason="invalid_prompt")
            if message.fact == "content.failed"
            else message
            for message in books.streams.facts
        ),
    )
    history = changed(ended.books.history, lambda row: row.piece_id == BROKEN, run=2)
    assert pieces_end.violations(with_books(ended, history=history)) == []


def test_the_pieces_of_a_deleted_avatar_are_not_missed() -> None:
    gone = task(avatar_exists=False)(with_books(sound_world(), pieces=(), contents=()))
    assert pieces_end.violations(gone) == []


def test_only_what_waiting_may_cure_is_said_to_heal() -> None:
    still = pieces_end.violations(piece(SOLD, state="hooked", content_id=None)(sound_world()))
    assert {each.code: each.heals for each in still}["stranded"]
    overdue = replace(
        piece(SOLD, state="hooked", content_id=None)(sound_world()), now=DEADLINE + 91
    )
    assert not {each.code: each.heals for each in pieces_end.violations(overdue)}["stranded"]
    assert TASK in {each.subject for each in still}
