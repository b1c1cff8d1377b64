"""The auditor makes sure of signatures by itself, and says so where it cannot."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from shared.content import JudgeReport
from tests.audit.judging import report_on
from tests.audit.reviewed_worlds import PUBLIC_KEY, signed_world
from tests.audit.rows import PieceRow
from tests.audit.spoiling import changed, with_books
from tests.audit.world import World
from tests.audit.worlds import SOLD, WAITING, piece, sound_world
from tests.builders import content_stored, verdict
from tests.verdict_keys import SIGNER, STRANGER

Spoil = Callable[[World], World]


def row(**news: Any) -> Spoil:
    """The row of the piece that was sold has these news."""
    return lambda world: with_books(
        world, pieces=changed(world.books.pieces, lambda row: row.piece_id == SOLD, **news)
    )


def judged(which: str = SOLD, **news: Any) -> Spoil:
    """The verdict on record has these news, and its old signature."""

    def spoil(world: World) -> World:
        known = world.pieces[which].verdict
        assert known is not None
        rows = changed(
            world.books.pieces, lambda row: row.piece_id == which, verdict={**known, **news}
        )
        return with_books(world, pieces=rows)

    return spoil


def found(world: World) -> set[str]:
    return {each.subject for each in report_on(world).violations if each.code == "verdict_unsigned"}


def test_signed_verdicts_are_believed() -> None:
    report = report_on(signed_world())
    assert report.clean, report.as_table()
    assert report.not_judged == ()


BREACHES: dict[str, Spoil] = {
    "there is no verdict": row(verdict=None),
    "nobody signed it": judged(signature=None),
    "it was changed": judged(tier="capa3"),
    "its scores were changed": judged(judges=[{"judge": "x"}]),
    "reviewers were added": judged(reviewers=["me"]),
    "a signed member is missing": lambda world: row(
        verdict={n: v for n, v in (world.pieces[SOLD].verdict or {}).items() if n != "unscored"}
    )(world),
    "it is of another run": row(run=2),
    "it is of another tenant": row(tenant="other"),
    "it is of another piece": lambda world: row(verdict=world.pieces[WAITING].verdict)(world),
    "the signature is no hexadecimal": judged(signature={"key_id": "x", "ed25519": "zz"}),
    "the piece says something else": row(verdict_decision="skipped"),
}


@pytest.mark.parametrize("spoil", BREACHES.values(), ids=BREACHES.keys())
def test_breach_is_found_when(spoil: Spoil) -> None:
    assert found(spoil(signed_world())) == {SOLD}


def test_what_is_held_is_looked_at_as_well() -> None:
    assert found(judged(WAITING, reason="other")(signed_world())) == {WAITING}


def test_other_keys_vouch_for_nothing() -> None:
    strangers = replace(signed_world(), verdict_keys=(STRANGER.public_key,))
    assert found(strangers) == {SOLD, WAITING}
    both = replace(signed_world(), verdict_keys=(STRANGER.public_key, PUBLIC_KEY))
    assert found(both) == set()


def test_without_keys_it_is_not_judged_and_the_report_says_so() -> None:
    report = report_on(sound_world())
    assert report.clean
    assert "not judged: signatures of verdicts" in report.as_table()
    assert json.loads(report.as_json())["not_judged"] == list(report.not_judged)


def test_a_verdict_that_the_product_signed_is_one() -> None:
    reports = (JudgeReport(judge="ömni", image_scores={"a": 1e-05, "b": 1.0, "c": 0.1 + 0.2}),)
    event = content_stored()
    whole = SIGNER.sign(event, verdict(judges=reports, unscored=("minors",), reviewers=("k",)))
    on_record: PieceRow = replace(
        piece(SOLD, "persisted", verdict_decision="approved"),
        tenant=event.tenant,
        task_id=event.task_id,
        piece_id=event.piece_id,
        verdict=json.loads(whole.model_dump_json()),
    )
    world = replace(sound_world(), verdict_keys=(SIGNER.public_key,))
    assert found(with_books(world, pieces=(on_record,))) == set()
    forged = replace(on_record, verdict={**(on_record.verdict or {}), "judge": "me"})
    assert found(with_books(world, pieces=(forged,))) == {event.piece_id}
