"""An avatar goes with its pieces and files; what was spent and what happened stays."""

import asyncio
from collections.abc import Mapping

import pytest

from services.ledger.handler.notes import NoteGenerated
from shared import wire
from shared.calls import AvatarRef, ListPieces, OrderKey, TaskState
from shared.events import ContentFailed, ContentRequested, DeliveryWithdrawn, TaskCompleted
from shared.problems import Problem
from tests.builders import attempt_settled, content_halted, generation, image_generated
from tests.ledger.books import TENANT, Books, accept_task, stored, whose
from tests.ledger.reviewing import approve, delivered, held, hold, rejection
from tests.ledger.test_endings import HELD
from tests.ledger.test_progress import Noters


def ref(piece: ContentRequested, tenant: str = TENANT) -> AvatarRef:
    return AvatarRef(tenant=tenant, avatar_id=piece.brief.avatar_id)


async def test_rows_go_with_the_avatar_and_its_files_are_withdrawn(books: Books) -> None:
    delivered, held, under_way = await books.accepted(3)
    event, waiting = stored(delivered), stored(held, **HELD)
    await books.endings.deliver(event)
    await books.endings.deliver(waiting)
    assert (await books.deletion.delete_avatar(ref(delivered))).pieces == 3
    left = await books.sql("SELECT id FROM pieces UNION SELECT id FROM content_pieces")
    assert left == []
    withdrawn = await books.waiting(DeliveryWithdrawn)
    assert {key for fact in withdrawn for key in fact.object_keys} == {
        event.delivery.object_key,
        event.delivery.thumbnail_key,
        waiting.delivery.object_key,
        waiting.delivery.thumbnail_key,
    }
    assert {fact.reason for fact in withdrawn} == {"avatar_deleted"}
    failed = await books.waiting(ContentFailed)
    assert {fact.piece_id for fact in failed} == {held.piece_id, under_way.piece_id}
    assert {fact.reason for fact in failed} == {"avatar_deleted"}
    (completed,) = await books.waiting(TaskCompleted)
    assert (completed.persisted, completed.failed) == (1, 2)


async def withdrawn_keys(books: Books) -> set[str]:
    return {key for fact in await books.waiting(DeliveryWithdrawn) for key in fact.object_keys}


async def test_what_an_approved_piece_stores_after_the_deletion_is_withdrawn_as_well(
    books: Books,
) -> None:
    event = await held(books)
    late = delivered(await approve(books, event))
    await books.deletion.delete_avatar(
        AvatarRef(tenant=TENANT, avatar_id=event.brief.avatar_id),
    )
    await books.endings.deliver(late)
    files = (event.delivery, late.delivery)
    assert await withdrawn_keys(books) == {
        *(each.object_key for each in files),
        *(each.thumbnail_key for each in files),
    }
    # The broker takes one such fact for each run: two of the same would be one too few.
    facts = await books.waiting(DeliveryWithdrawn)
    assert sorted(fact.run for fact in facts) == [event.run, late.run]


async def test_held_files_of_pieces_that_were_decided_about_are_withdrawn(books: Books) -> None:
    first, second = await books.accepted(2)
    refused, shown = await hold(books, first), await hold(books, second)
    await books.reviews.decide(rejection(refused))
    final = delivered(await approve(books, shown))
    await books.endings.deliver(final)
    await books.sql("DELETE FROM outbox")
    await books.deletion.delete_avatar(ref(first))
    assert await withdrawn_keys(books) == {
        key
        for event in (refused, shown, final)
        for key in (event.delivery.object_key, event.delivery.thumbnail_key)
    }
    facts = await books.waiting(DeliveryWithdrawn)
    assert len({wire.event_id(fact) for fact in facts}) == len(facts) == 3


async def test_the_task_can_still_be_asked_for(books: Books) -> None:
    delivered, other = await books.accepted(2)
    answer = await books.open_attempt(other)
    settled = attempt_settled(
        task_id=other.task_id, piece_id=other.piece_id, attempt_id=answer.attempt_id
    )
    await books.calls.settle(settled)
    await books.endings.deliver(stored(delivered))
    await books.deletion.delete_avatar(ref(delivered))
    view = await books.task(delivered.task_id)
    assert (view.state, view.progress, view.cost_usd_micros) == (TaskState.COMPLETED, 100, 10_000)
    assert (view.counts.requested, view.counts.persisted, view.counts.failed) == (2, 1, 1)
    history = await books.sql("SELECT DISTINCT piece_id FROM piece_events")
    assert {row.piece_id for row in history} == {delivered.piece_id, other.piece_id}
    page = await books.pieces.list(ListPieces(tenant=TENANT, task_id=delivered.task_id))
    assert page.pieces == ()


async def test_whatever_state_a_piece_is_in_it_ends_with_its_avatar(books: Books) -> None:
    key = OrderKey(key="k", body_sha256="a" * 64)
    facts = await books.accepted(8, order_key=key)
    names = ("requested", "begun", "generated", "hooked", "moderated", "held", "done", "refused")
    pieces = dict(zip(names, facts, strict=True))
    await bring_about(books, pieces)
    assert {row.state for row in await books.sql("SELECT DISTINCT state FROM pieces")} == {
        *("requested", "generated", "hooked", "moderated"),
        *("pending_review", "persisted", "failed"),
    }
    await books.deletion.delete_avatar(ref(facts[0]))

    open_ones = {pieces[name].piece_id for name in names[:6]}
    failed = await books.waiting(ContentFailed)
    assert {fact.piece_id for fact in failed if fact.reason == "avatar_deleted"} == open_ones
    assert len(failed) == len(open_ones) + 1
    generated = next(fact for fact in failed if fact.piece_id == pieces["generated"].piece_id)
    assert generated.staged == (image_generated().image,)
    (completed,) = await books.waiting(TaskCompleted)
    assert (completed.persisted, completed.failed, completed.pending_review) == (1, 7, 0)
    assert await books.sql("SELECT id FROM pieces UNION SELECT id FROM content_pieces") == []

    again = accept_task(facts[0].brief.avatar_id, 8, order_key=key)
    view = await books.accept_task(again)
    assert (view.task_id, view.state) == (facts[0].task_id, TaskState.COMPLETED)
    assert (view.counts.persisted, view.counts.failed) == (1, 7)
    reasons = {each.piece_id: each.reason for each in view.reasons}
    refused = pieces["refused"].piece_id
    assert reasons == dict.fromkeys(open_ones, "avatar_deleted") | {refused: "providers_exhausted"}


async def test_an_attempt_that_a_deletion_leaves_open_is_recorded_as_unknown(books: Books) -> None:
    (piece,) = await books.accepted()
    await books.open_attempt(piece)
    await books.deletion.delete_avatar(ref(piece))
    await books.sql("UPDATE attempts SET lease_until = now() - interval '1 second'")
    assert await books.overdue.forget_lost_calls() == 1
    ((outcome,),) = await books.sql("SELECT outcome FROM attempts")
    assert outcome == "unknown"


async def bring_about(books: Books, pieces: Mapping[str, ContentRequested]) -> None:
    """Bring each piece into the state that its name says."""
    noters = Noters(books)
    await books.open_attempt(pieces["begun"])
    attempt = await books.open_attempt(pieces["generated"])
    await NoteGenerated(noters.together)(
        image_generated(
            **whose(pieces["generated"]), generation=generation(attempt_id=attempt.attempt_id)
        )
    )
    for name in ("hooked", "moderated"):
        await noters.note(pieces[name], name)
    await books.endings.deliver(stored(pieces["held"], **HELD))
    await books.endings.deliver(stored(pieces["done"]))
    await books.endings.halt(
        content_halted(**whose(pieces["refused"]), reason="providers_exhausted")
    )


async def test_a_finished_task_completes_only_once(books: Books) -> None:
    (piece,) = await books.accepted()
    await books.endings.deliver(stored(piece))
    await books.deletion.delete_avatar(ref(piece))
    assert len(await books.waiting(TaskCompleted)) == 1


async def test_what_arrives_after_the_deletion_is_withdrawn(books: Books) -> None:
    (piece,) = await books.accepted()
    await books.deletion.delete_avatar(ref(piece))
    await books.endings.deliver(stored(piece))
    assert len(await books.waiting(DeliveryWithdrawn)) == 1
    answer = await books.open_attempt(piece)
    assert (answer.answer, answer.reason) == ("no", "ended")


async def test_a_cost_that_arrives_after_the_deletion_is_counted(books: Books) -> None:
    (piece,) = await books.accepted()
    answer = await books.open_attempt(piece)
    await books.deletion.delete_avatar(ref(piece))
    settled = attempt_settled(
        task_id=piece.task_id, piece_id=piece.piece_id, attempt_id=answer.attempt_id
    )
    await books.calls.settle(settled)
    assert (await books.task(piece.task_id)).cost_usd_micros == 10_000


async def test_deliveries_during_a_deletion_leave_no_file_behind(books: Books) -> None:
    pieces = await books.accepted(20)
    events = [stored(piece) for piece in pieces]
    await asyncio.gather(
        *(books.endings.deliver(event) for event in events[:10]),
        books.deletion.delete_avatar(ref(pieces[0])),
        *(books.endings.deliver(event) for event in events[10:]),
    )
    withdrawn = await books.waiting(DeliveryWithdrawn)
    keys = {key for fact in withdrawn for key in fact.object_keys}
    assert keys >= {event.delivery.object_key for event in events}
    assert len(await books.waiting(TaskCompleted)) == 1


async def test_accepting_during_a_deletion_either_comes_first_or_is_refused(books: Books) -> None:
    avatar = await books.avatar()
    results = await asyncio.gather(
        *(books.accept_task(accept_task(avatar.id, 3)) for _ in range(5)),
        books.deletion.delete_avatar(AvatarRef(tenant=TENANT, avatar_id=avatar.id)),
        *(books.accept_task(accept_task(avatar.id, 3)) for _ in range(5)),
        return_exceptions=True,
    )
    refused = [each for each in results if isinstance(each, BaseException)]
    assert all(isinstance(each, Problem) for each in refused)
    assert len(await books.waiting(TaskCompleted)) == 10 - len(refused)
    assert await books.sql("SELECT 1 FROM pieces") == []


async def test_unknown_avatars_cannot_be_deleted(books: Books) -> None:
    (piece,) = await books.accepted()
    with pytest.raises(Problem, match="avatar_not_found"):
        await books.deletion.delete_avatar(ref(piece, "other"))
    await books.deletion.delete_avatar(ref(piece))
    with pytest.raises(Problem, match="avatar_not_found"):
        await books.deletion.delete_avatar(ref(piece))
