"""Pieces that people decided about are judged by their decisions, and by those only."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.audit.evidence import Probe
from tests.audit.judging import report_on
from tests.audit.reviewed_worlds import (
    approved_and_under_way,
    approved_key,
    approved_world,
    decision,
    rejected_world,
    taken_down_world,
)
from tests.audit.rows import AvatarRow
from tests.audit.spoiling import changed, with_books, with_evidence, with_streams, without_fact
from tests.audit.world import World
from tests.audit.worlds import (
    BROKEN,
    SOLD,
    WAITING,
    copy_sha,
    delivered,
    file,
    held,
    key,
    sha,
    sound_world,
    thumbnail,
)

Spoil = Callable[[World], World]

SOUND = {
    "approved and delivered": approved_world,
    "rejected by a person": rejected_world,
    "rejected by time": lambda: rejected_world("system", "review_expired"),
    "taken down": taken_down_world,
}


@pytest.mark.parametrize("world", SOUND.values(), ids=SOUND.keys())
def test_nothing_is_found_where_all_is_well(world: Callable[[], World]) -> None:
    report = report_on(world())
    assert report.clean, report.as_table()


def test_a_piece_that_was_approved_a_moment_ago_is_under_way_and_nothing_else() -> None:
    report = report_on(approved_and_under_way())
    assert {each.code for each in report.violations} == {"stranded"}
    assert report.may_heal


def piece(which: str, **news: Any) -> Spoil:
    """A row of a piece has these news."""
    return lambda world: with_books(
        world, pieces=changed(world.books.pieces, lambda row: row.piece_id == which, **news)
    )


def decided(*rows: Any) -> Spoil:
    """These and no other decisions are on record."""
    return lambda world: with_books(world, decisions=rows)


def lying(*files: Any) -> Spoil:
    """These files lie there as well."""
    return lambda world: replace(world, objects=(*world.objects, *files))


def read_at(at: float) -> Spoil:
    """Somebody without a key has read the piece that was sold."""
    probe = Probe(at, f"/objects/{key(SOLD, '.jpg')}", 200, copy_sha(SOLD))
    return lambda world: with_evidence(world, probes=(probe,))


def told_of_other_bytes(world: World) -> World:
    facts = changed(
        world.streams.facts,
        lambda each: each.fact == "review.approved",
        body={"image": {"sha256": "other"}},
    )
    return with_streams(world, facts=facts)


def held_under(**news: Any) -> Spoil:
    """The verdict that people decided on has these news."""
    held = {"decision": "review", "image_sha256": sha(WAITING)} | news
    return piece(WAITING, held_verdict=held)


def frozen(world: World) -> World:
    attempts = tuple(replace(row, avatar_id="avatar") for row in world.books.attempts)
    return with_books(world, attempts=attempts, avatars=(AvatarRow("avatar", 15.0),))


BREACHES: dict[str, tuple[str, str, Callable[[], World], Spoil]] = {
    "nobody approved it": ("I3", "review_skipped", approved_world, decided()),
    "it needed two": (
        *("I3", "review_skipped", approved_world),
        held_under(approvals_needed=2),
    ),
    "one person counted twice": (
        *("I3", "review_skipped", approved_world),
        lambda world: decided(decision("approve"), decision("approve"))(
            held_under(approvals_needed=2)(world)
        ),
    ),
    "it was approved by time": (
        *("I3", "review_skipped", approved_world),
        decided(decision("approve", "system")),
    ),
    "another run was approved": (
        *("I3", "review_skipped", approved_world),
        decided(decision("approve", run=7)),
    ),
    "it was told before anybody agreed": (
        *("I3", "review_skipped", approved_and_under_way),
        decided(),
    ),
    "it went out under a skip": (
        *("I3", "review_skipped", approved_world),
        piece(WAITING, verdict_decision="skipped"),
    ),
    "a block was overruled": (
        *("I3", "block_overruled", approved_world),
        held_under(blocked="minors"),
    ),
    "a rejection was overruled": (
        *("I3", "rejection_overruled", approved_world),
        decided(decision("approve"), decision("reject", "key-2")),
    ),
    "its verdict names another reviewer": (
        *("I3", "reviewers_differ", approved_world),
        piece(WAITING, verdict={"decision": "approved", "reviewers": ["key-9"]}),
    ),
    "nobody rejected it": ("I3", "decision_missing", rejected_world, decided()),
    "time rejected it in a person's name": (
        *("I3", "decision_missing", rejected_world),
        decided(decision("reject", "system")),
    ),
    "other bytes were delivered than people saw": (
        *("I5", "other_bytes_approved", approved_world),
        held_under(image_sha256="other"),
    ),
    "other bytes went on than people saw": (
        *("I5", "other_bytes_approved", approved_world),
        told_of_other_bytes,
    ),
    "held files outlive the approval": (
        *("I4", "file_without_row", approved_world),
        lying(held(WAITING)),
    ),
    "held files outlive the rejection": (
        *("I4", "file_without_row", rejected_world),
        lying(thumbnail("review", WAITING)),
    ),
    "what was approved a moment ago lies in public already": (
        *("I3", "unmoderated_file", approved_and_under_way),
        lying(file("public", approved_key(), sha(WAITING))),
    ),
    "an approval leads nowhere": (
        *("I1", "way_broken", approved_world),
        lambda world: without_fact(world, "review.approved"),
    ),
    "a piece taken down has a file": (
        *("I4", "taken_down_kept", taken_down_world),
        lying(delivered("private", SOLD)),
    ),
    "a piece taken down has its thumbnail": (
        *("I4", "taken_down_kept", taken_down_world),
        lying(thumbnail("public", SOLD)),
    ),
    "a piece taken down was read": ("I3", "taken_down_read", taken_down_world, read_at(71.0)),
    "a piece ends for a reason that nobody knows": (
        *("I1", "reason_unknown", sound_world),
        piece(BROKEN, reason="whim"),
    ),
    "a rejection has a reason of failures": (
        *("I1", "reason_unknown", rejected_world),
        piece(WAITING, reason="frozen"),
    ),
    "something was bought for a frozen avatar": (
        *("I2", "bought_while_frozen", sound_world),
        frozen,
    ),
}


@pytest.mark.parametrize(
    ("invariant", "code", "world", "spoil"), BREACHES.values(), ids=BREACHES.keys()
)
def test_breach_is_found_when(
    invariant: str, code: str, world: Callable[[], World], spoil: Spoil
) -> None:
    report = report_on(spoil(world()))
    assert (invariant, code) in {(each.invariant, each.code) for each in report.violations}


def test_a_withdrawal_has_its_time() -> None:
    report = report_on(read_at(60.0)(taken_down_world()))
    assert report.clean, report.as_table()


def test_a_frozen_end_is_known() -> None:
    ended = piece(BROKEN, reason="frozen")(sound_world())
    facts = tuple(
        replace(each, body={**each.body, "reason": "frozen"})
        if each.fact == "content.failed"
        else each
        for each in ended.streams.facts
    )
    report = report_on(with_streams(ended, facts=facts))
    assert report.clean, report.as_table()


def test_the_completion_may_tell_of_a_decided_piece_as_it_was_then_or_is_now() -> None:
    world = approved_world()
    (completed,) = world.messages("task.completed")
    for news, sound in (
        ({"persisted": 2, "pending_review": 0}, True),
        ({"persisted": 1, "pending_review": 1}, True),
        ({"persisted": 3, "pending_review": 0}, False),
        ({"persisted": 1, "pending_review": 0}, False),
        ({"persisted": 1, "pending_review": 0, "rejected": 2}, False),
    ):
        facts = changed(
            world.streams.facts,
            lambda each: each is completed,
            body={**completed.body, **news},
        )
        codes = {each.code for each in report_on(with_streams(world, facts=facts)).violations}
        assert ("completion_differs" in codes) != sound, news
