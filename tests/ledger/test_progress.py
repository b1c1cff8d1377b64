"""Progress: noted in any order, never backwards."""

import asyncio
from itertools import permutations

import pytest

from services.ledger.domain.progress import percent, shown_state
from services.ledger.handler.notes import NoteGenerated, NoteHooked, NoteModerated
from services.ledger.ports import Progress
from shared.calls import StageCounts, TaskState
from shared.events import ContentRequested
from shared.together import Together, told_nothing
from tests.builders import (
    content_halted,
    content_hooked,
    content_moderated,
    generation,
    image_generated,
)
from tests.ledger.books import Books, stored, whose


class Noters:
    """The three note handlers of one process."""

    def __init__(self, books: Books) -> None:
        self.together: Together[Progress, None] = Together(told_nothing(books.notes.note))
        self._generated = NoteGenerated(self.together)
        self._hooked = NoteHooked(self.together)
        self._moderated = NoteModerated(self.together)

    async def note(self, piece: ContentRequested, step: str) -> None:
        match step:
            case "generated":
                await self._generated(image_generated(**whose(piece)))
            case "hooked":
                await self._hooked(content_hooked(**whose(piece)))
            case "moderated":
                await self._moderated(content_moderated(**whose(piece)))


@pytest.fixture
def noters(books: Books) -> Noters:
    return Noters(books)


STEPS = ("generated", "hooked", "moderated")


async def test_progress_in_any_order_leads_to_the_same_place(books: Books, noters: Noters) -> None:
    pieces = await books.accepted(6)
    for piece, order in zip(pieces, permutations(STEPS), strict=True):
        furthest = 0
        for step in order:
            await noters.note(piece, step)
            furthest = max(furthest, STEPS.index(step))
            detail = await books.piece(piece.piece_id)
            assert detail.piece.state == STEPS[furthest]
        assert len(detail.timeline) == 4
    view = await books.task(pieces[0].task_id)
    assert (view.counts.generated, view.counts.hooked, view.counts.moderated) == (6, 6, 6)
    assert (view.state, view.progress) == (TaskState.RUNNING, 60)


async def test_progress_that_comes_after_the_end_only_joins_the_history(
    books: Books, noters: Noters
) -> None:
    persisted, failed = await books.accepted(2)
    await books.endings.deliver(stored(persisted))
    await books.endings.halt(content_halted(**whose(failed)))
    for piece, state in ((persisted, "persisted"), (failed, "failed")):
        await noters.note(piece, "generated")
        detail = await books.piece(piece.piece_id)
        assert detail.piece.state == state
        assert "image.generated" in {entry.fact for entry in detail.timeline}
    assert (await books.task(failed.task_id)).counts.generated == 2


async def test_progress_that_comes_twice_is_noted_once(books: Books, noters: Noters) -> None:
    (piece,) = await books.accepted()
    await asyncio.gather(*(noters.note(piece, "generated") for _ in range(5)))
    facts = [entry.fact for entry in (await books.piece(piece.piece_id)).timeline]
    assert facts == ["content.requested", "image.generated"]


async def test_two_processes_noting_the_same_pieces_do_not_block_each_other(
    books: Books, noters: Noters
) -> None:
    pieces = await books.accepted(30)
    other = Noters(books)
    await asyncio.gather(
        *(noters.note(piece, step) for piece in pieces for step in STEPS),
        *(other.note(piece, step) for piece in reversed(pieces) for step in reversed(STEPS)),
    )
    assert (await books.task(pieces[0].task_id)).counts.moderated == 30


async def test_an_image_is_adopted_even_before_its_settlement_arrives(
    books: Books, noters: Noters
) -> None:
    (piece,) = await books.accepted()
    answer = await books.open_attempt(piece)
    made = generation(attempt_id=answer.attempt_id)
    event = image_generated(**whose(piece), generation=made)
    await NoteGenerated(noters.together)(event)
    again = await books.open_attempt(piece, holder="host/2/x")
    assert (again.answer, again.image, again.generation) == ("done", event.image, made)


async def test_history_tells_the_whole_way(books: Books, noters: Noters) -> None:
    (piece,) = await books.accepted()
    for step in STEPS:
        await noters.note(piece, step)
    await books.endings.deliver(stored(piece))
    timeline = (await books.piece(piece.piece_id)).timeline
    assert [entry.fact for entry in timeline] == [
        "content.requested",
        "image.generated",
        "content.hooked",
        "content.moderated",
        "content.stored",
        "content.persisted",
    ]
    assert timeline[3].detail["decision"] == "approved"
    assert [entry.at for entry in timeline] == sorted(entry.at for entry in timeline)


def test_a_hundred_percent_means_that_nothing_is_left() -> None:
    assert percent(steps_gone=0, total=3) == 0
    assert percent(steps_gone=14, total=3) == 93
    assert percent(steps_gone=2499, total=500) == 99
    assert percent(steps_gone=15, total=3) == 100


def test_a_task_is_queued_until_something_happens() -> None:
    assert shown_state("accepted", StageCounts(requested=3)) is TaskState.QUEUED
    assert shown_state("accepted", StageCounts(requested=3, generated=1)) is TaskState.RUNNING
    assert shown_state("accepted", StageCounts(requested=3, failed=1)) is TaskState.RUNNING
    assert shown_state("cancelled", StageCounts(requested=3)) is TaskState.CANCELLED
