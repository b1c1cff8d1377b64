"""Rulings: the strictest answer counts, and what nobody could score is no pass."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.safety.domain.moderation import MINORS
from services.safety.domain.rulings import Heard, Ruling, ruling
from shared.content import BlockCategory, BlockedOn, Decision, JudgeReport, Rating, Tier
from tests.safety.panels import POLICY, REQUIRED

STRICTNESS = [Decision.SKIPPED, Decision.APPROVED, Decision.REVIEW, Decision.REJECTED]
JUDGES = ["openai", "classifier", "preview", "stranger"]
TIERS = st.sampled_from(list(Tier))
SCORES = st.dictionaries(
    st.sampled_from([*POLICY.categories, "unheard of"]), st.floats(0, 1), max_size=13
)
REPORTS = st.builds(
    JudgeReport, judge=st.sampled_from(JUDGES), image_scores=SCORES, text_scores=SCORES
)
HEARD = st.lists(REPORTS, max_size=4).map(lambda reports: Heard(tuple(reports)))
CLEAN = dict.fromkeys(REQUIRED, 0.0)


def report(judge: str = "classifier", **scores: dict[str, float]) -> JudgeReport:
    return JudgeReport(judge=judge, **scores)


def ruled(*reports: JudgeReport, tier: Tier = Tier.CAPA1) -> Ruling:
    return ruling(POLICY, Heard(reports), tier=tier)


def is_held_for_scores_alone(found: Ruling) -> bool:
    """Whether nothing but missing scores stands against it."""
    return found.decision is Decision.REVIEW and found.reason.startswith("nobody could score")


@given(HEARD, REPORTS, TIERS)
def test_one_more_judge_never_makes_it_milder(heard: Heard, more: JudgeReport, tier: Tier) -> None:
    before = ruling(POLICY, heard, tier=tier)
    after = ruling(POLICY, replace(heard, reports=(*heard.reports, more)), tier=tier)
    # A score that was missing may end the wait for it. Nothing else is ever taken back.
    if not is_held_for_scores_alone(before):
        assert STRICTNESS.index(after.decision) >= STRICTNESS.index(before.decision)
    if before.blocked:
        assert after.blocked is before.blocked
        assert before.blocked_on is not BlockedOn.IMAGE or after.blocked_on is BlockedOn.IMAGE
    if before.level < 10:
        assert after.level >= before.level
    if Decision.REJECTED not in {before.decision, after.decision}:
        assert after.tier.rank >= before.tier.rank
        assert after.approvals_needed >= before.approvals_needed


@given(HEARD, st.lists(st.sampled_from(JUDGES)), st.lists(st.sampled_from(JUDGES)), TIERS)
def test_who_cannot_judge_or_is_away_never_makes_it_milder(
    heard: Heard, could_not: list[str], away: list[str], tier: Tier
) -> None:
    before = ruling(POLICY, heard, tier=tier)
    without = replace(heard, could_not=tuple(could_not), away=tuple(away))
    after = ruling(POLICY, without, tier=tier)
    assert STRICTNESS.index(after.decision) >= STRICTNESS.index(before.decision)
    if could_not or away:
        assert after.decision is not Decision.APPROVED


@given(HEARD, TIERS)
def test_a_tier_is_only_ever_raised(heard: Heard, tier: Tier) -> None:
    assert ruling(POLICY, heard, tier=tier).tier.rank >= tier.rank


@given(HEARD, TIERS)
def test_what_passes_was_scored_in_full_by_those_who_can(heard: Heard, tier: Tier) -> None:
    found = ruling(POLICY, heard, tier=tier)
    missing = [
        name
        for name in REQUIRED
        if not any(
            name in each.image_scores and each.judge in POLICY.categories[name].image_judges
            for each in heard.reports
        )
    ]
    assert set(missing) <= set(found.unscored)
    if found.decision is Decision.APPROVED:
        assert not found.unscored
        assert found.rating in {Rating.SAFE, Rating.SUGGESTIVE, Rating.BORDERLINE}


@given(HEARD, TIERS, st.sampled_from(JUDGES), st.floats(0.5, 1), st.booleans())
def test_a_minor_is_blocked_whoever_sees_it_and_wherever(
    heard: Heard, tier: Tier, judge: str, score: float, on_image: bool
) -> None:
    where = "image_scores" if on_image else "text_scores"
    seen = report(judge, **{where: {MINORS: score}})
    found = ruling(POLICY, replace(heard, reports=(*heard.reports, seen)), tier=tier)
    assert (found.decision, found.blocked) == (Decision.REJECTED, BlockCategory.MINORS)
    if on_image:
        assert found.blocked_on is BlockedOn.IMAGE


@pytest.mark.parametrize(
    ("sexual", "rating", "tier"),
    [
        (0.0, Rating.SAFE, Tier.CAPA1),
        (0.2, Rating.SUGGESTIVE, Tier.CAPA2),
        (0.5, Rating.BORDERLINE, Tier.CAPA3),
    ],
)
def test_the_rating_follows_the_score_and_raises_the_tier(
    sexual: float, rating: Rating, tier: Tier
) -> None:
    found = ruled(report(image_scores=CLEAN | {"sexual": sexual}))
    assert (found.decision, found.rating, found.tier) == (Decision.APPROVED, rating, tier)


def test_the_explicit_is_refused() -> None:
    found = ruled(report(image_scores=CLEAN | {"sexual": 0.85}))
    assert (found.decision, found.rating, found.blocked) == (
        Decision.REJECTED,
        Rating.EXPLICIT,
        None,
    )


def test_a_suspicion_of_minors_goes_to_two_people() -> None:
    found = ruled(report(image_scores=CLEAN | {MINORS: 0.1}))
    assert (found.decision, found.approvals_needed) == (Decision.REVIEW, 2)


def test_who_is_not_trusted_with_a_category_still_counts_against() -> None:
    clean = report(image_scores=CLEAN)
    assert ruled(clean, report("stranger", image_scores={MINORS: 0.1})).decision is Decision.REVIEW
    without = {name: 0.0 for name in REQUIRED if name != MINORS}
    unheard = report(image_scores=without), report("stranger", image_scores={MINORS: 0.0})
    assert ruled(*unheard).unscored == (MINORS,)


def test_who_reads_words_has_to_score_them_in_full() -> None:
    found = ruled(report(image_scores=CLEAN), report("openai"))
    assert found.decision is Decision.REVIEW
    assert MINORS in found.unscored


@given(st.floats(0, 1), st.floats(0, 1))
def test_levels_go_from_1_to_10_and_rise_with_the_score(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert 1 <= POLICY.level(low) <= POLICY.level(high) <= 10
    assert POLICY.grade(low).level <= POLICY.level(low)
    assert POLICY.level(1.0) == 10
