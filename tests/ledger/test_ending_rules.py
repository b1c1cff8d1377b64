"""How pieces end: the rules, without a database."""

from hypothesis import given
from hypothesis import strategies as st

from services.ledger.domain.endings import (
    SETTLED,
    Fate,
    Standing,
    fate_of_delivery,
    flaw_of,
    halt_ends_piece,
    state_after_halt,
    task_state,
)
from shared.content import Decision, Rating, Tier, Verdict
from tests.builders import SHA256, verdict

OTHER_SHA256 = "0" * 64

standings = st.builds(
    Standing,
    state=st.sampled_from(["requested", "generated", "hooked", "moderated", *sorted(SETTLED)]),
    current_run=st.integers(1, 3),
    object_key=st.sampled_from([None, "mine", "theirs"]),
)


def fate(
    piece: Standing | None, run: int = 1, *, held: bool = False, flaw: str | None = None
) -> Fate:
    return fate_of_delivery(piece, run=run, object_key="mine", held=held, flaw=flaw)


def test_the_first_delivery_is_persisted() -> None:
    assert fate(Standing("moderated", 1)) is Fate.PERSIST


def test_a_delivery_that_overtakes_its_own_progress_is_persisted() -> None:
    assert fate(Standing("requested", 1)) is Fate.PERSIST


def test_a_held_delivery_waits_for_review() -> None:
    assert fate(Standing("moderated", 1), held=True) is Fate.HOLD


def test_the_recorded_delivery_is_kept_when_it_comes_again() -> None:
    assert fate(Standing("persisted", 1, "mine")) is Fate.KEEP
    assert fate(Standing("pending_review", 1, "mine"), held=True) is Fate.KEEP


def test_a_delivery_without_a_piece_goes() -> None:
    assert fate(None) is Fate.WITHDRAW


@given(standings, st.integers(1, 3), st.booleans())
def test_a_settled_piece_never_changes(piece: Standing, run: int, held: bool) -> None:
    found = fate(piece, run, held=held)
    if piece.is_settled:
        assert found in {Fate.KEEP, Fate.WITHDRAW}
    elif run < piece.current_run and piece.object_key != "mine":
        assert found is Fate.WITHDRAW


def test_what_is_held_is_kept_while_its_approval_is_under_way() -> None:
    approved = Standing("moderated", 2, "mine", reviewed=True)
    assert fate(approved, run=1, held=True) is Fate.KEEP
    assert fate(Standing("moderated", 2, "theirs", reviewed=True), run=1) is Fate.WITHDRAW


@given(standings)
def test_what_is_recorded_is_never_withdrawn(piece: Standing) -> None:
    if piece.is_settled and piece.object_key == "mine":
        assert fate(piece) is Fate.KEEP


def test_a_verdict_about_other_bytes_is_refused() -> None:
    assert flaw(image_sha256=OTHER_SHA256) == "verdict_mismatch"


def test_a_verdict_that_forbids_is_refused() -> None:
    assert flaw(decision=Decision.REVIEW) == "verdict_forbids"
    assert flaw(decision=Decision.REJECTED, rating=Rating.REJECTED) == "verdict_forbids"
    assert flaw(rating=Rating.PENDING_REVIEW) == "verdict_forbids"


def test_moderation_is_skipped_only_for_templates_of_the_lowest_tier() -> None:
    skipped = {"decision": Decision.SKIPPED}
    assert flaw(template_id="t-1", **skipped) is None
    assert flaw(template_id=None, **skipped) == "skip_not_allowed"
    assert flaw(template_id="t-1", tier=Tier.CAPA2, **skipped) == "skip_not_allowed"


def test_whatever_is_held_may_be_flawed() -> None:
    found = verdict(decision=Decision.REVIEW, image_sha256=OTHER_SHA256)
    assert held_flaw(found, vouched=True) is None


def test_nothing_goes_on_by_a_verdict_that_nobody_vouches_for() -> None:
    assert held_flaw(verdict(decision=Decision.REVIEW), vouched=False) == "verdict_unsigned"
    approved = flaw_of(verdict(), vouched=False, source_sha256=SHA256, held=False, template_id=None)
    assert approved == "verdict_unsigned"


def held_flaw(found: Verdict, *, vouched: bool) -> str | None:
    return flaw_of(found, vouched=vouched, source_sha256=SHA256, held=True, template_id=None)


def flaw(template_id: str | None = None, **overrides: object) -> str | None:
    found = verdict(**overrides)
    return flaw_of(found, vouched=True, source_sha256=SHA256, held=False, template_id=template_id)


@given(standings, st.integers(1, 3))
def test_a_halt_ends_only_what_its_run_is_about(piece: Standing, run: int) -> None:
    ends = halt_ends_piece(piece, run=run)
    assert ends == (piece.state not in SETTLED and run >= piece.current_run)


def test_a_halt_without_a_piece_ends_nothing() -> None:
    assert not halt_ends_piece(None, run=1)


def test_only_a_rejecting_verdict_rejects() -> None:
    assert state_after_halt(verdict(decision=Decision.REJECTED)) == "rejected"
    assert state_after_halt(verdict(decision=Decision.APPROVED)) == "failed"
    assert state_after_halt(None) == "failed"


def test_partial_success_is_success() -> None:
    assert task_state(persisted=1, pending_review=0, cancelled=False) == "completed"
    assert task_state(persisted=0, pending_review=1, cancelled=False) == "completed"
    assert task_state(persisted=0, pending_review=0, cancelled=False) == "failed"
    assert task_state(persisted=5, pending_review=0, cancelled=True) == "cancelled"
