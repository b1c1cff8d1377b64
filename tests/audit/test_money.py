"""I2 finds every way in which money may be miscounted."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.audit import money
from tests.audit.judging import report_on
from tests.audit.spoiling import changed, with_books, with_evidence, with_fact, with_streams
from tests.audit.world import World
from tests.audit.worlds import (
    BROKEN,
    PRICE,
    SOLD,
    WAITING,
    attempt,
    call,
    settled,
    sha,
    sound_world,
)

Spoil = Callable[[World], World]


def row(which: str, **news: object) -> Spoil:
    """A row of an attempt has these news."""
    return lambda world: with_books(
        world, attempts=changed(world.books.attempts, lambda row: row.attempt_id == which, **news)
    )


def without_row(which: str) -> Spoil:
    """An attempt has no row."""
    return lambda world: with_books(
        world, attempts=tuple(row for row in world.books.attempts if row.attempt_id != which)
    )


def bought_twice(world: World) -> World:
    """The same image was bought once more, and everybody says so."""
    second = attempt("a-second", SOLD, "succeeded", number=2, opened_at=15.0, settled_at=16.0)
    more = with_books(world, attempts=(*world.books.attempts, second))
    logged = with_evidence(more, provider=(*(more.evidence.provider or ()), call(9, SOLD)))
    told = with_fact(logged, settled(SOLD, "a-second", "succeeded", PRICE))
    return replace(told, shown=changed(told.shown, bool, cost_usd_micros=4 * PRICE))


def given_again(piece_id: str, event: str) -> Spoil:
    """The provider was asked once more."""
    return lambda world: with_evidence(
        world, provider=(*(world.evidence.provider or ()), call(9, piece_id, event))
    )


def without_log_of(number: int) -> Spoil:
    """The provider knows nothing of a call."""
    return lambda world: with_evidence(
        world,
        provider=tuple(
            event for event in world.evidence.provider or () if event.call != str(number)
        ),
    )


def shown_cheaper(world: World) -> World:
    return replace(world, shown=changed(world.shown, bool, cost_usd_micros=PRICE))


def late_success(*, lease_until: float) -> World:
    """The first call for a piece turned out to have succeeded, after a second was opened."""
    late = {"outcome": "succeeded", "cost_usd_micros": PRICE, "settled_at": 21.0}
    world = row("a-lost", **late, image_sha256=sha(WAITING), lease_until=lease_until)(sound_world())
    told = with_fact(world, settled(WAITING, "a-lost", "succeeded", PRICE))
    return replace(told, shown=changed(told.shown, bool, cost_usd_micros=4 * PRICE))


def useless(*, cost: int) -> World:
    """The provider finished, and will bill, an image of no use; the books say what it cost."""
    world = row("a-broken", cost_usd_micros=cost)(sound_world())
    news = {"event": "given", "billed": True, "sha256": sha("black")}
    lines = changed(world.evidence.provider or (), lambda line: line.call == "3", **news)
    kept = tuple(each for each in world.streams.facts if "a-broken" not in each.tokens)
    told = with_fact(with_streams(world, facts=kept), settled(BROKEN, "a-broken", "failed", cost))
    shown = changed(told.shown, bool, cost_usd_micros=3 * PRICE + cost)
    return with_evidence(replace(told, shown=shown), provider=lines)


def reconciled(world: World, *, cost: int) -> World:
    """A person has said what the call of unknown outcome cost."""
    said = row("a-lost", cost_usd_micros=cost, reconciled_at=90.0)(world)
    return replace(said, shown=changed(said.shown, bool, cost_usd_micros=3 * PRICE + cost))


def reconciled_in_vain(world: World) -> World:
    """The provider never made what is said to have been charged."""
    return reconciled(without_log_of(4)(world), cost=PRICE)


BREACHES: dict[str, tuple[str, Spoil]] = {
    "a piece is bought again after a success": ("bought_again", bought_twice),
    "an unknown outcome is billed": ("failure_billed", row("a-lost", cost_usd_micros=PRICE)),
    "a failure is charged for what was refused": (
        "failure_billed",
        row("a-broken", cost_usd_micros=PRICE),
    ),
    "a failure has an image": ("failure_with_image", row("a-broken", image_sha256=sha(BROKEN))),
    "a useless image was paid, and costs nothing": (
        "success_unrecorded",
        lambda _: useless(cost=0),
    ),
    "a bill was denied": ("success_unrecorded", lambda world: reconciled(world, cost=0)),
    "a bill was made up": ("failure_billed", reconciled_in_vain),
    "a call under way was reconciled": (
        "reconciled_too_soon",
        row("a-lost", outcome="open", reconciled_at=90.0),
    ),
    "a cost is negative": ("negative_cost", row("a-sold", cost_usd_micros=-1)),
    "a success has no image": ("success_without_image", row("a-sold", image_sha256=None)),
    "a cost was counted twice": ("settlement_differs", row("a-sold", cost_usd_micros=2 * PRICE)),
    "a success is recorded as a failure": ("settlement_differs", row("a-sold", outcome="failed")),
    "a settlement has no row": ("settlement_lost", without_row("a-sold")),
    "a settlement was never told": (
        "settled_untold",
        lambda world: with_streams(world, facts=()),
    ),
    "a settlement was told twice": (
        "settled_twice",
        lambda world: with_fact(world, settled(SOLD, "a-sold", "succeeded", PRICE)),
    ),
    "a task shows another sum": ("sum_differs", shown_cheaper),
    "a billed success has no row": ("success_unrecorded", without_row("a-lost")),
    "a cut success counts as a failure": ("success_unrecorded", row("a-lost", outcome="failed")),
    "a row claims what the provider never gave": ("success_not_given", without_log_of(1)),
    "a row claims other bytes than were given": (
        "success_not_given",
        row("a-sold", image_sha256=sha("other")),
    ),
    "a call was made without leave": ("called_without_leave", given_again(BROKEN, "refused")),
    "a call was made for nobody": (
        "called_without_leave",
        lambda world: with_books(world, pieces=world.books.pieces[1:]),
    ),
}


@pytest.mark.parametrize(("code", "spoil"), BREACHES.values(), ids=BREACHES.keys())
def test_breach_is_found_when(code: str, spoil: Spoil) -> None:
    found = money.violations(spoil(sound_world()))
    assert code in {each.code for each in found}
    assert {each.invariant for each in found} == {"I2"}


def test_a_purchase_whose_bytes_are_recorded_as_lost_may_be_made_again() -> None:
    assert money.violations(row("a-sold", bytes_lost_at=14.0)(bought_twice(sound_world()))) == []


def test_a_useless_image_that_was_paid_is_a_cost_and_no_image() -> None:
    world = useless(cost=PRICE)
    assert money.violations(world) == []
    assert report_on(world).figures["paid_failures"] == 1


def test_an_unknown_call_may_be_reconciled_with_its_bill() -> None:
    world = reconciled(sound_world(), cost=PRICE)
    assert money.violations(world) == []
    assert report_on(world).figures["reconciled"] == 1


def test_a_settlement_that_told_of_nothing_known_does_not_contradict_the_bill() -> None:
    world = reconciled(row("a-lost", settled_at=18.0)(sound_world()), cost=PRICE)
    unknown = settled(WAITING, "a-lost", "unknown", 0)
    assert money.violations(with_fact(world, unknown)) == []
    lying = settled(WAITING, "a-lost", "failed", 0)
    assert {each.code for each in money.violations(with_fact(world, lying))} == {
        "settlement_differs"
    }


def test_a_late_success_is_excused_only_if_its_lease_had_run_out() -> None:
    assert money.violations(late_success(lease_until=18.5)) == []
    assert {each.code for each in money.violations(late_success(lease_until=19.5))} == {
        "bought_again"
    }


def test_a_drawn_image_needs_no_provider_to_confirm_it() -> None:
    world = row("a-sold", provider="preview")(without_log_of(1)(sound_world()))
    assert money.violations(world) == []


def test_without_a_providers_log_the_books_are_judged_alone() -> None:
    assert money.violations(with_evidence(sound_world(), provider=None)) == []
