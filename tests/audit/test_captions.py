"""I2 finds every way in which captions may be bought wrongly, or said to be bought."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.audit import money
from tests.audit.captioned_worlds import (
    SHARES,
    bought,
    captioned_world,
    captions,
    hooks,
    line,
    lost,
    told,
)
from tests.audit.evidence import CaptionEvent
from tests.audit.judging import report_on
from tests.audit.rows import AttemptRow
from tests.audit.spoiling import changed, with_books, with_evidence, with_fact, with_streams
from tests.audit.substitutes import CACHED
from tests.audit.world import World
from tests.audit.worlds import REFUSED, SOLD, WAITING, sha

Spoil = Callable[[World], World]


def row(which: str, **news: object) -> Spoil:
    """A row of a call has these news."""
    return lambda world: with_books(
        world, attempts=changed(world.books.attempts, lambda row: row.attempt_id == which, **news)
    )


def without(which: str) -> Spoil:
    """A call has no row, and was never told."""

    def spoil(world: World) -> World:
        rows = tuple(row for row in world.books.attempts if row.attempt_id != which)
        facts = tuple(each for each in world.streams.facts if which not in each.tokens)
        return with_streams(with_books(world, attempts=rows), facts=facts)

    return spoil


def more_rows(*rows: AttemptRow) -> Spoil:
    """There are more calls on record."""
    return lambda world: with_books(world, attempts=(*world.books.attempts, *rows))


def content(**news: object) -> Spoil:
    """The delivered piece is shown with captions that have these news."""
    return lambda world: with_books(
        world, contents=changed(world.books.contents, bool, captions=captions(SOLD) | news)
    )


def log(*lines: CaptionEvent) -> Spoil:
    """The log has these lines besides."""
    return lambda world: with_evidence(world, captioner=(*(world.evidence.captioner or ()), *lines))


def retold(piece_id: str, **news: object) -> Spoil:
    """A settlement says something else."""

    def spoil(world: World) -> World:
        kept = tuple(each for each in world.streams.facts if f"c-{piece_id}" not in each.tokens)
        return with_fact(with_streams(world, facts=kept), told(piece_id, **news))

    return spoil


def both(first: Spoil, second: Spoil) -> Spoil:
    return lambda world: second(first(world))


AGAIN: dict[str, Any] = {"number": 4, "opened_at": 25.0, "settled_at": 26.0}
PAID = {"captions": captions(SOLD) | {"cost_usd_micros": 400}, "cost_usd_micros": 400}
BREACHES: dict[str, tuple[str, Spoil]] = {
    "captions are bought again": (
        "bought_again",
        more_rows(replace(bought(SOLD, **AGAIN), attempt_id="c-again")),
    ),
    "captions are bought again as if bytes had been lost": (
        "bought_again",
        both(
            row("c-sold", bytes_lost_at=24.0),
            more_rows(replace(bought(SOLD, **AGAIN), attempt_id="c-again")),
        ),
    ),
    "a third call is lost": (
        "captions_called_too_often",
        more_rows(*(replace(lost(), attempt_id=f"c-lost-{n}", number=n) for n in (4, 5))),
    ),
    "a success gives nothing": ("success_without_captions", row("c-sold", captions=None)),
    "a failure gives captions": ("failure_with_captions", row("c-sold", outcome="failed")),
    "captions come with an image": ("result_of_another_kind", row("c-sold", image_sha256="x")),
    "an image comes with captions": (
        "result_of_another_kind",
        row("a-sold", captions=captions(SOLD)),
    ),
    "an unknown end is billed": ("failure_billed", row("c-lost", cost_usd_micros=300)),
    "a cost was counted twice": ("settlement_differs", row("c-sold", cost_usd_micros=600)),
    "the row keeps other captions than were told": (
        "settlement_differs",
        row("c-sold", captions=captions(SOLD) | {"hooks": ["other"]}),
    ),
    "a settlement is about another kind": ("settlement_differs", retold(SOLD, kind="image")),
    "a settlement has no row": (
        "settlement_lost",
        both(without("c-sold"), lambda world: with_fact(world, told(SOLD))),
    ),
    "a call costs what its captions do not": (
        "share_differs",
        row("c-sold", captions=captions(SOLD) | {"cost_usd_micros": 0}),
    ),
    "captions that are shown were never bought": (
        "captions_bought_by_nobody",
        content(attempt_id="nothing"),
    ),
    "captions that are shown name no call": (
        "captions_bought_by_nobody",
        content(attempt_id=""),
    ),
    "captions were bought for another piece": (
        "captions_bought_by_nobody",
        content(attempt_id=f"c-{REFUSED}"),
    ),
    "captions came from a call for an image": (
        "captions_bought_by_nobody",
        content(attempt_id="a-sold"),
    ),
    "a piece goes on with captions of nobody": ("captions_bought_by_nobody", without("c-refused")),
    "captions are shown of a call that failed": (
        "captions_not_settled",
        row("c-sold", outcome="failed", captions=None, cost_usd_micros=0),
    ),
    "other captions are shown than were bought": (
        "other_captions_bought",
        content(hooks=["something else"]),
    ),
    "captions are shown that were blocked": (
        "blocked_captions_shown",
        row("c-sold", captions=captions(SOLD) | {"hooks": [], "instead_of": "blocked"}),
    ),
    "the log knows nothing of captions": (
        "captions_not_given",
        lambda world: with_evidence(world, captioner=()),
    ),
    "a call was made when nothing was allowed": (
        "called_without_leave",
        log(line("9", 40.0, "refused", {})),
    ),
    "a share is not on record": ("share_unrecorded", without("c-refused")),
    "a call was billed and nobody knows": (
        "share_unrecorded",
        log(replace(line("9", 21.2, "cut", {SOLD: 300}), texts=())),
    ),
    "a lost call was said to be free": (
        "share_unrecorded",
        row("c-lost", reconciled_at=90.0, cost_usd_micros=0),
    ),
    "shares are more than the call": ("shares_exceed", row("c-sold", **PAID)),
    "tokens are counted twice": (
        "shares_exceed",
        row("c-sold", captions=captions(SOLD) | {"input_tokens": 800}),
    ),
}


def test_a_world_with_bought_captions_is_clean() -> None:
    report = report_on(captioned_world())
    assert report.clean, report.as_table()
    assert (report.figures["captioned"], report.figures["caption_calls"]) == (len(SHARES), 2)


@pytest.mark.parametrize(("code", "spoil"), BREACHES.values(), ids=BREACHES.keys())
def test_breach_is_found_when(code: str, spoil: Spoil) -> None:
    found = money.violations(spoil(captioned_world()))
    assert code in {each.code for each in found}
    assert {each.invariant for each in found} == {"I2"}


@pytest.mark.parametrize("source", ["template", "skipped"])
def test_written_captions_need_no_call(source: str) -> None:
    world = content(source=source, attempt_id="", hooks=["written by hand"])(captioned_world())
    assert money.violations(world) == []


def test_content_from_before_captions_were_bought_needs_no_call() -> None:
    world = with_books(
        captioned_world(),
        contents=changed(captioned_world().books.contents, bool, captions={"source": "template"}),
    )
    assert money.violations(world) == []


def test_blocked_captions_are_bought_and_written_ones_shown() -> None:
    blocked = {"captions": captions(SOLD) | {"hooks": [], "instead_of": "blocked"}}
    world = retold(SOLD, **blocked)(row("c-sold", **blocked)(captioned_world()))
    hooked = [
        replace(each, body={**each.body, "captions": {"source": "template"}})
        if each.fact == "content.hooked" and SOLD in each.tokens
        else each
        for each in world.streams.facts
    ]
    world = content(source="template", attempt_id="")(with_streams(world, facts=tuple(hooked)))
    assert money.violations(world) == []


def test_without_a_log_the_books_are_judged_alone() -> None:
    assert money.violations(with_evidence(captioned_world(), captioner=None)) == []


def test_a_call_that_was_paid_in_vain_excuses_a_missing_share() -> None:
    """Its answer was of no use: a failure that cost something tells no tokens."""
    useless: dict[str, Any] = {"outcome": "failed", "captions": None, "attempt_id": "c-useless"}
    moment: dict[str, Any] = {"opened_at": 20.2, "settled_at": 20.7, "lease_until": 20.8}
    failed = replace(bought(SOLD, number=4), **useless, **moment)
    settlement = told(SOLD, outcome="failed", captions=None)
    tokens = (*settlement.tokens[:-1], "c-useless")
    cut = replace(line("9", 20.5, "given", {SOLD: 300}), texts=("no JSON",))
    world = log(cut)(more_rows(failed)(captioned_world()))
    world = with_fact(world, replace(settlement, tokens=tokens))
    assert {each.code for each in money.violations(world)} == {"sum_differs"}


def test_captions_that_were_bought_are_no_image_left_lying() -> None:
    world = captioned_world()
    contents = changed(world.books.contents, bool, source=CACHED, attempt_id="", cached_from="x")
    found = money.violations(with_books(world, contents=contents))
    lying = [each.detail for each in found if each.code == "substituted_after_success"]
    assert lying == ["attempt 1 had succeeded"]


def test_a_log_of_images_says_nothing_about_captions() -> None:
    assert sha(SOLD) not in hooks(SOLD)
    world = row("a-sold", provider="preview")(captioned_world())
    log_of_images = tuple(
        each for each in world.evidence.provider or () if each.sha256 != sha(SOLD)
    )
    assert money.violations(with_evidence(world, provider=log_of_images)) == []


def test_a_lost_call_may_be_reconciled_with_its_bill() -> None:
    world = row("c-lost", reconciled_at=90.0, cost_usd_micros=SHARES[WAITING])(captioned_world())
    found = {each.code for each in money.violations(world)}
    assert found == {"sum_differs"}
