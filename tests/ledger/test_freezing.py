"""An absolute block on what was generated freezes the avatar: nothing more is bought for it."""

import asyncio
from typing import Any

import pytest

from shared.calls import (
    AvatarRef,
    ListAvatars,
    NoteCall,
    TaskState,
    TaskView,
    UnfreezeAvatar,
)
from shared.content import BlockCategory, BlockedOn, Decision, Rating
from shared.events import (
    ContentFailed,
    ContentHalted,
    ContentRejected,
    ContentRequested,
    PieceEnded,
    TaskCompleted,
)
from shared.problems import Problem
from tests.builders import attempt_settled, blob, content_halted, generation, verdict
from tests.ledger.books import TENANT, Books, accept_task, halted, stored, whose
from tests.ledger.test_endings import replica

__all__ = ["replica"]


def blocked(
    piece: ContentRequested, on: BlockedOn = BlockedOn.IMAGE, **overrides: Any
) -> ContentHalted:
    """Moderation has found on this piece what nothing lets through."""
    found = verdict(
        decision=Decision.REJECTED,
        rating=Rating.REJECTED,
        blocked=BlockCategory.MINORS,
        blocked_on=on,
    )
    given = {"reason": "moderation_rejected", "verdict": found}
    return halted(piece, **(given | overrides))


def ref(piece: ContentRequested) -> AvatarRef:
    return AvatarRef(tenant=TENANT, avatar_id=piece.brief.avatar_id)


def unfreeze(piece: ContentRequested, **overrides: object) -> UnfreezeAvatar:
    given: dict[str, object] = {"by": "key-9", "reason": "a false alarm"}
    whom: dict[str, object] = {"tenant": TENANT, "avatar_id": piece.brief.avatar_id}
    return UnfreezeAvatar.model_validate(whom | given | overrides)


async def refused_order(books: Books, avatar_id: str) -> tuple[int, str]:
    with pytest.raises(Problem) as refused:
        await books.accept_task(accept_task(avatar_id))
    return refused.value.details.status, refused.value.details.code


async def actions(books: Books) -> list[tuple[str, str]]:
    rows = await books.sql("SELECT action, by FROM moderation_actions ORDER BY id")
    return [(row.action, row.by) for row in rows]


@pytest.mark.parametrize("on", [BlockedOn.IMAGE, BlockedOn.CAPTIONS])
async def test_a_block_on_what_was_generated_freezes_the_avatar(
    books: Books, on: BlockedOn
) -> None:
    (piece,) = await books.accepted()
    await books.endings.halt(blocked(piece, on))
    frozen = (await books.avatars.get(ref(piece))).frozen
    assert frozen is not None
    assert (frozen.piece_id, frozen.reason) == (piece.piece_id, f"minors found on {on}")
    (listed,) = (await books.avatars.list(ListAvatars(tenant=TENANT))).avatars
    assert listed.frozen == frozen
    assert (await books.piece(piece.piece_id)).piece.state == "rejected"
    assert await actions(books) == [("freeze", "system")]
    assert await refused_order(books, piece.brief.avatar_id) == (403, "avatar_frozen")


async def test_a_block_on_the_prompt_ends_the_piece_only(books: Books) -> None:
    first, second = await books.accepted(2)
    await books.endings.halt(blocked(first, BlockedOn.PROMPT))
    assert (await books.avatars.get(ref(first))).frozen is None
    assert [end.piece_id for end in await books.waiting(PieceEnded)] == [first.piece_id]
    assert (await books.open_attempt(second)).answer == "go"


async def test_what_nobody_has_begun_ends_in_all_tasks_of_the_avatar(books: Books) -> None:
    avatar, other = await books.avatar(), await books.avatar()
    found, begun, unbegun = await books.accepted(3, avatar=avatar)
    elsewhere = await books.accepted(2, avatar=avatar)
    (bystander,) = await books.accepted(avatar=other)
    await books.open_attempt(begun)
    await books.endings.halt(blocked(found))
    failed = await books.waiting(ContentFailed)
    assert {end.piece_id for end in failed} == {
        unbegun.piece_id,
        *(piece.piece_id for piece in elsewhere),
    }
    assert {end.reason for end in failed} == {"frozen"}
    assert (await books.task(elsewhere[0].task_id)).state is TaskState.FAILED
    assert (await books.piece(begun.piece_id)).piece.state == "requested"
    assert (await books.piece(bystander.piece_id)).piece.state == "requested"
    assert len(await books.waiting(TaskCompleted)) == 1
    await books.endings.deliver(stored(begun))
    assert len(await books.waiting(TaskCompleted)) == 2


async def test_for_a_frozen_avatar_nothing_is_bought(books: Books) -> None:
    found, again, unbegun = await books.accepted(3)
    await books.open_attempt(again, attempt_id="first")
    settled = attempt_settled(
        task_id=again.task_id, piece_id=again.piece_id, attempt_id="first", outcome="failed"
    )
    await books.calls.settle(settled)
    await books.endings.halt(blocked(found))
    answers = [await books.open_attempt(piece) for piece in (again, unbegun)]
    assert [(each.answer, each.reason) for each in answers] == [("no", "frozen")] * 2


async def test_a_call_that_was_only_allowed_is_not_made_any_more(books: Books) -> None:
    found, allowed = await books.accepted(2)
    await books.open_attempt(allowed, attempt_id="mine")
    await books.endings.halt(blocked(found))
    answer = await books.open_attempt(allowed, attempt_id="mine")
    assert (answer.answer, answer.reason) == ("no", "frozen")


async def test_what_was_bought_before_goes_on_to_moderation(books: Books) -> None:
    found, bought, submitted = await books.accepted(3)
    await books.open_attempt(bought, attempt_id="bought")
    await books.calls.settle(
        attempt_settled(
            task_id=bought.task_id,
            piece_id=bought.piece_id,
            attempt_id="bought",
            image=blob(),
            generation=generation(attempt_id="bought"),
        )
    )
    await books.open_attempt(submitted, attempt_id="sent")
    noted = NoteCall(
        tenant=TENANT, piece_id=submitted.piece_id, attempt_id="sent", call_id="vendor-1"
    )
    await books.attempts.note_call(noted)
    await books.endings.halt(blocked(found))
    assert (await books.open_attempt(bought)).answer == "done"
    assert (await books.open_attempt(submitted)).answer == "pending"


async def test_hearing_of_a_block_again_changes_nothing_even_after_an_unfreeze(
    books: Books,
) -> None:
    (piece,) = await books.accepted()
    for _ in range(2):
        await books.endings.halt(blocked(piece))
    assert await actions(books) == [("freeze", "system")]
    thawed = await books.freezes.unfreeze(unfreeze(piece))
    assert thawed.frozen is None
    await books.endings.halt(blocked(piece))
    assert (await books.avatars.get(ref(piece))).frozen is None
    assert len(await books.waiting(ContentRejected)) == 1
    await books.accept_task(accept_task(piece.brief.avatar_id))
    assert await actions(books) == [("freeze", "system"), ("unfreeze", "key-9")]


async def test_a_block_is_heard_even_if_the_piece_has_ended_otherwise(books: Books) -> None:
    (piece,) = await books.accepted()
    await books.endings.halt(content_halted(**whose(piece)))
    await books.endings.halt(blocked(piece))
    assert (await books.avatars.get(ref(piece))).frozen is not None
    assert len(await books.waiting(PieceEnded)) == 1


async def test_a_second_block_keeps_the_first_reason(books: Books) -> None:
    pieces = await books.accepted(2)
    for piece in pieces:
        await books.open_attempt(piece)
    for piece in pieces:
        await books.endings.halt(blocked(piece))
    frozen = (await books.avatars.get(ref(pieces[0]))).frozen
    assert frozen is not None
    assert frozen.piece_id == pieces[0].piece_id
    assert len(await actions(books)) == 2


async def test_who_may_not_unfreeze(books: Books) -> None:
    (piece,) = await books.accepted()
    with pytest.raises(Problem, match="avatar_not_frozen"):
        await books.freezes.unfreeze(unfreeze(piece))
    await books.endings.halt(blocked(piece))
    for stranger in ({"tenant": "other"}, {"avatar_id": "nobody"}):
        with pytest.raises(Problem, match="avatar_not_found"):
            await books.freezes.unfreeze(unfreeze(piece, **stranger))
    assert (await books.avatars.get(ref(piece))).frozen is not None


async def test_a_halt_cannot_freeze_an_avatar_that_is_not_its_pieces(books: Books) -> None:
    (piece,) = await books.accepted()
    victim = await books.avatar()
    aimed = piece.brief.model_copy(update={"avatar_id": victim.id})
    await books.endings.halt(blocked(piece, brief=aimed))
    await books.endings.halt(blocked(piece, tenant="other"))
    await books.endings.halt(blocked(piece, piece_id="nobody", brief=aimed))
    assert (await books.avatars.get(AvatarRef(tenant=TENANT, avatar_id=victim.id))).frozen is None


async def test_acceptance_and_freeze_at_once_leave_nothing_to_be_bought(
    books: Books, replica: Books
) -> None:
    for _ in range(3):
        avatar = await books.avatar()
        (piece,) = await books.accepted(avatar=avatar)
        results = await asyncio.gather(
            *(replica.accept_task(accept_task(avatar.id, 3)) for _ in range(4)),
            books.endings.halt(blocked(piece)),
            *(replica.accept_task(accept_task(avatar.id, 3)) for _ in range(4)),
            return_exceptions=True,
        )
        refused = [each for each in results if isinstance(each, Problem)]
        assert {each.details.code for each in refused} <= {"avatar_frozen"}
        accepted = [each for each in results if isinstance(each, TaskView)]
        assert len(accepted) + len(refused) == 8
        states = await books.sql(
            "SELECT DISTINCT state FROM pieces WHERE avatar_id = :id AND id <> :piece",
            id=avatar.id,
            piece=piece.piece_id,
        )
        assert {row.state for row in states} <= {"failed"}


async def test_freezes_deliveries_and_attempts_at_once_do_not_block_each_other(
    books: Books, replica: Books
) -> None:
    avatar = await books.avatar()
    pieces = await books.accepted(30, avatar=avatar)
    await asyncio.gather(
        *(books.endings.halt(blocked(piece)) for piece in pieces[:5]),
        *(replica.open_attempt(piece) for piece in pieces[5:]),
        *(replica.deliveries.deliver([stored(piece)]) for piece in pieces[10:20]),
    )
    assert (
        await books.sql("SELECT 1 FROM pieces WHERE state = 'requested' AND begun_at IS NULL") == []
    )
