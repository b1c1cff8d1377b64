"""I2 for captions: what a model wrote was bought for its piece, by a call that is on record.

Written captions need no call. A call of which nobody has heard is made once more, and no third
time. What a model wrote may be blocked: its call has succeeded, and written captions are shown.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.audit.report import Violation
from tests.audit.rows import CAPTIONS, IMAGE, AttemptRow
from tests.audit.world import World

BY_A_MODEL = "model"
MOST_LOST = 2

Said = Mapping[str, Any]
"""Captions as a fact or a row of content tells them."""


def violations(world: World) -> Iterator[Violation]:
    """Every breach."""
    for row in world.books.attempts:
        yield from _row(row)
    for piece_id, rows in world.attempts_of.items():
        lost = sum(row.kind == CAPTIONS and row.outcome == "unknown" for row in rows)
        if lost > MOST_LOST:
            yield _breach("captions_called_too_often", piece_id, f"{lost} calls were lost")
    for subject, piece_id, said in _shown(world):
        if said.get("source") == BY_A_MODEL:
            yield from _bought(world, subject, piece_id, said)


def _breach(code: str, subject: str, detail: str, *, heals: bool = False) -> Violation:
    return Violation("I2", code, subject, detail, heals)


def _row(row: AttemptRow) -> Iterator[Violation]:
    if (row.captions if row.kind == IMAGE else row.image_sha256) is not None:
        yield _breach("result_of_another_kind", row.attempt_id, f"a call for {row.kind}")
    if row.kind != CAPTIONS:
        return
    if row.outcome == "failed" and row.captions is not None:
        yield _breach("failure_with_captions", row.attempt_id, "a success recorded as a failure")
    if row.outcome != "succeeded":
        return
    if row.captions is None:
        yield _breach("success_without_captions", row.attempt_id, "nobody could adopt it")
    elif row.captions.get("cost_usd_micros") != row.cost_usd_micros:
        yield _breach("share_differs", row.attempt_id, "captions and call cost differently")


def _shown(world: World) -> Iterator[tuple[str, str, Said]]:
    """Captions that pieces go on or are shown with: where that is told, and of which piece."""
    for content in world.books.contents:
        yield content.content_id, content.content_id, content.captions
    for fact in world.run_facts:
        if fact.fact == "content.hooked":
            yield fact.place, fact.piece_id, fact.part("captions")


def _bought(world: World, subject: str, piece_id: str, said: Said) -> Iterator[Violation]:
    row = world.attempts.get(said.get("attempt_id") or "")
    if row is None or (row.kind, row.piece_id) != (CAPTIONS, piece_id):
        detail = f"attempt {said.get('attempt_id')!r}"
        yield _breach("captions_bought_by_nobody", subject, detail, heals=row is None)
    elif row.outcome != "succeeded":
        detail = f"attempt {row.number} {row.outcome}"
        yield _breach("captions_not_settled", subject, detail, heals=row.settled_at is None)
    elif (row.captions or {}).get("instead_of"):
        yield _breach("blocked_captions_shown", subject, f"attempt {row.number} gave them")
    elif row.hooks and not set(said.get("hooks", ())) <= set(row.hooks):
        yield _breach("other_captions_bought", subject, f"not those of attempt {row.number}")
