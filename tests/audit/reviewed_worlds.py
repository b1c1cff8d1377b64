"""Worlds written by hand in which all is well, and people had a say."""

import hashlib
from dataclasses import replace
from typing import Any

from nacl.signing import SigningKey

from tests.audit.rows import ContentRow, DecisionRow, HistoryRow, PieceRow
from tests.audit.signatures import signed_line
from tests.audit.spoiling import changed, with_books, with_streams
from tests.audit.streams import FactMessage
from tests.audit.world import World
from tests.audit.worlds import (
    SOLD,
    TASK,
    WAITING,
    copy_sha,
    fact,
    key,
    sha,
    sound_world,
    thumbnail,
    verdict,
)
from tests.audit.worlds import (
    delivered as delivered_file,
)

SIGNING = SigningKey(b"\x07" * 32)
PUBLIC_KEY = SIGNING.verify_key.encode().hex()
KEY_ID = hashlib.sha256(SIGNING.verify_key.encode()).hexdigest()[:16]
REVIEWER = "key-1"


def decision(decided: str, by: str = REVIEWER, run: int = 1) -> DecisionRow:
    """What a reviewer says of the piece that waits."""
    return DecisionRow(WAITING, run, decided, by)


def approved_key(ending: str = ".jpg") -> str:
    """The key of what is delivered after the review."""
    return key(WAITING, f"2{ending}")


def approved_world() -> World:
    """The piece that waited was approved after its task had completed, and delivered in run 2."""
    world = sound_world()
    image = {"sha256": sha(WAITING)}
    judged = {**verdict(WAITING, "approved"), "reviewers": [REVIEWER]}
    known: dict[str, Any] = {"image": image, "verdict": judged}
    given = {
        "held": False,
        "public": True,
        "object_key": approved_key(),
        "thumbnail_key": approved_key("_thumb.jpg"),
        "image_sha256": copy_sha(WAITING),
        "source_sha256": sha(WAITING),
    }
    end = {"image_sha256": copy_sha(WAITING), "object_key": approved_key()}
    told = (
        fact("review.approved", WAITING, 30, run=2, image=image),
        fact("content.moderated", WAITING, 31, run=2, **known),
        fact("content.stored", WAITING, 34, run=2, **known, delivery=given),
        fact("content.persisted", WAITING, 35, run=2, **end),
    )
    delivered: dict[str, Any] = {
        "state": "persisted",
        "run": 2,
        "content_id": WAITING,
        "verdict_decision": "approved",
        "verdict": judged,
        "ended_at": 35.0,
    }
    row = ContentRow(
        *(WAITING, TASK, approved_key(), approved_key("_thumb.jpg"), True, "capa1"),
        *(copy_sha(WAITING), sha(WAITING), "approved", sha(WAITING), "a-waiting"),
    )
    books = replace(
        world.books,
        pieces=changed(world.books.pieces, lambda row: row.piece_id == WAITING, **delivered),
        contents=(*world.books.contents, row),
        history=(*world.books.history, HistoryRow(WAITING, 2, "content.persisted")),
        decisions=(decision("approve"),),
    )
    shown = {"persisted": 2, "rejected": 1, "failed": 1, "pending_review": 0}
    small = replace(thumbnail("public", WAITING), key=approved_key("_thumb.jpg"), changed_at=33.0)
    return replace(
        with_streams(replace(world, books=books), facts=(*world.streams.facts, *told), staged=()),
        objects=(
            *(each for each in world.objects if each.area != "review"),
            replace(delivered_file("public", WAITING, approved_key()), changed_at=33.0),
            small,
        ),
        shown=(replace(world.shown[0], counts=shown),),
    )


def approved_and_under_way() -> World:
    """The same a moment after the decision: safety has not signed it yet."""
    before, after = sound_world(), approved_world()
    told = tuple(each for each in after.streams.facts if each.fact == "review.approved")
    going: dict[str, Any] = {"state": "moderated", "run": 2, "reason": None}
    books = replace(
        before.books,
        pieces=changed(before.books.pieces, lambda row: row.piece_id == WAITING, **going),
        decisions=(decision("approve"),),
    )
    shown = {"persisted": 1, "rejected": 1, "failed": 1, "pending_review": 0}
    return replace(
        with_streams(replace(before, books=books), facts=(*before.streams.facts, *told)),
        shown=(replace(before.shown[0], counts=shown),),
    )


def rejected_world(by: str = REVIEWER, reason: str = "review_rejected") -> World:
    """The piece that waited was rejected, long after its deadline."""
    world = sound_world()
    ended: dict[str, Any] = {"state": "rejected", "reason": reason, "ended_at": 10_000.0}
    told = fact("content.rejected", WAITING, 10_000, reason=reason)
    books = replace(
        world.books,
        pieces=changed(world.books.pieces, lambda row: row.piece_id == WAITING, **ended),
        history=(*world.books.history, HistoryRow(WAITING, 1, "content.rejected")),
        decisions=(decision("reject", by),),
    )
    shown = {"persisted": 1, "rejected": 2, "failed": 1, "pending_review": 0}
    return replace(
        with_streams(replace(world, books=books), facts=(*world.streams.facts, told), staged=()),
        objects=tuple(each for each in world.objects if each.area != "review"),
        shown=(replace(world.shown[0], counts=shown),),
        now=10_010.0,
    )


def taken_down_world(at: float = 40.0) -> World:
    """The piece that was sold is taken down: its row stays, its files do not."""
    world = sound_world()
    contents = changed(world.books.contents, bool, taken_down_at=at)
    gone = FactMessage("delivery.withdrawn", ("default", TASK, SOLD, "1-taken_down"), 1, at, {})
    return replace(
        with_streams(with_books(world, contents=contents), facts=(*world.streams.facts, gone)),
        objects=tuple(each for each in world.objects if each.area != "public"),
    )


def signed_world() -> World:
    """The sound world, its verdicts on record and signed."""
    world = sound_world()
    rows = tuple(
        signed(row) if row.state in {"persisted", "pending_review"} else row
        for row in world.books.pieces
    )
    return replace(with_books(world, pieces=rows), verdict_keys=(PUBLIC_KEY,))


def signed(row: PieceRow) -> PieceRow:
    """The row with a whole verdict on record, signed."""
    judged: dict[str, Any] = {
        **verdict(row.piece_id, row.verdict_decision or ""),
        "rating": "safe",
        "explicitness_level": 1,
        "judge": "preview",
        "policy_version": "1",
        "reason": "",
        "judges": [],
        "unscored": [],
        "blocked": None,
        "blocked_on": None,
        "image_print": None,
        "approvals_needed": 1,
        "reviewers": [],
    }
    signature = SIGNING.sign(signed_line(row, judged)).signature.hex()
    whole = {**judged, "signature": {"key_id": KEY_ID, "ed25519": signature}}
    return replace(row, verdict=whole)
