"""Approvals: people decide, safety signs, and nobody approves an absolute block."""

import pytest

from services.safety.handler.approvals import SignApproval
from shared.content import (
    BlockCategory,
    BlockedOn,
    Decision,
    JudgeReport,
    Rating,
    Tier,
    Verdict,
)
from shared.events import ContentHalted, ContentModerated, ReviewApproved
from shared.outcomes import GiveUp, TryLater
from tests.builders import brief, captions, delivery, review_approved, verdict
from tests.safety.panels import Moderation, RememberedTakedowns, verdict_of

SEEN = JudgeReport(judge="openai", image_scores={"sexual": 0.3})


def held(**overrides: object) -> Verdict:
    known: dict[str, object] = {
        "decision": Decision.REVIEW,
        "rating": Rating.PENDING_REVIEW,
        "judges": (JudgeReport(judge="text_screen"), SEEN),
        "unscored": ("sexual/minors",),
        "image_print": "00ff00ff00ff00ff",
    }
    return verdict(**known | overrides)


async def signed(
    event: ReviewApproved, handler: SignApproval | None = None
) -> ContentModerated | ContentHalted:
    return await (handler or Moderation().approvals)(event)


@pytest.mark.parametrize(
    ("rating", "ordered", "tier", "level"),
    [
        (Rating.SAFE, Tier.CAPA1, Tier.CAPA1, 1),
        (Rating.SAFE, Tier.CAPA3, Tier.CAPA3, 1),
        (Rating.SUGGESTIVE, Tier.CAPA1, Tier.CAPA2, 4),
        (Rating.BORDERLINE, Tier.CAPA1, Tier.CAPA3, 7),
    ],
)
async def test_an_approval_is_signed_for_what_the_reviewers_found(
    rating: Rating, ordered: Tier, tier: Tier, level: int
) -> None:
    event = review_approved(rating=rating, brief=brief(tier=ordered), verdict=held())
    moderated = await signed(event)
    assert isinstance(moderated, ContentModerated)
    found = verdict_of(moderated)
    assert (found.decision, found.rating, found.tier, found.explicitness_level) == (
        Decision.APPROVED,
        rating,
        tier,
        level,
    )
    assert (found.judge, found.reviewers) == ("review", ("key-1",))
    assert found.unscored == ("sexual/minors",)
    assert found.image_print == "00ff00ff00ff00ff"
    assert [report.judge for report in found.judges] == ["text_screen", "openai"]
    assert moderated.run == event.run == 2


async def test_the_tier_of_the_verdict_is_not_lowered() -> None:
    event = review_approved(rating=Rating.SAFE, verdict=held(tier=Tier.CAPA3))
    assert verdict_of(await signed(event)).tier is Tier.CAPA3


async def test_the_image_is_what_is_held() -> None:
    event = review_approved(verdict=held())
    moderated = await signed(event)
    assert isinstance(moderated, ContentModerated)
    assert moderated.image.uri == f"review:{event.delivery.object_key}"
    assert moderated.image.sha256 == event.delivery.source_sha256 == moderated.verdict.image_sha256
    assert (moderated.image.size, moderated.image.media_type) == (
        event.delivery.size,
        event.delivery.media_type,
    )


@pytest.mark.parametrize("on", list(BlockedOn))
@pytest.mark.parametrize("decision", [Decision.REVIEW, Decision.REJECTED])
async def test_nobody_approves_an_absolute_block(on: BlockedOn, decision: Decision) -> None:
    blocked = held(decision=decision, blocked=BlockCategory.MINORS, blocked_on=on)
    halted = await signed(review_approved(verdict=blocked, reviewers=("key-1", "key-2")))
    assert isinstance(halted, ContentHalted)
    assert halted.reason == "moderation_rejected"
    found = verdict_of(halted)
    assert (found.decision, found.blocked, found.blocked_on) == (
        Decision.REJECTED,
        BlockCategory.MINORS,
        on,
    )


@pytest.mark.parametrize(
    ("words", "on"),
    [
        ({"brief": brief(prompt="teen in lingerie")}, BlockedOn.PROMPT),
        ({"captions": captions("teen in lingerie")}, BlockedOn.CAPTIONS),
    ],
)
async def test_words_are_read_again(words: dict[str, object], on: BlockedOn) -> None:
    halted = await signed(review_approved(verdict=held(), **words))
    assert isinstance(halted, ContentHalted)
    assert verdict_of(halted).blocked_on is on


async def test_what_was_taken_down_since_is_not_approved() -> None:
    takedowns = RememberedTakedowns({"00ff00ff00ff00ff": "p-17"})
    halted = await signed(
        review_approved(verdict=held()), Moderation(takedowns=takedowns).approvals
    )
    assert isinstance(halted, ContentHalted)
    assert halted.reason == "image_taken_down"
    away = RememberedTakedowns(are_away=True)
    with pytest.raises(TryLater):
        await signed(review_approved(verdict=held()), Moderation(takedowns=away).approvals)


@pytest.mark.parametrize("rating", [Rating.EXPLICIT, Rating.REJECTED, Rating.PENDING_REVIEW])
async def test_what_no_piece_may_be_rated_is_not_signed(rating: Rating) -> None:
    with pytest.raises(GiveUp):
        await signed(review_approved(rating=rating, verdict=held()))


@pytest.mark.parametrize("reviewers", [("key-1",), ("key-1", "key-1")])
async def test_one_person_does_not_count_for_two(reviewers: tuple[str, ...]) -> None:
    with pytest.raises(GiveUp):
        await signed(review_approved(verdict=held(approvals_needed=2), reviewers=reviewers))
    both = review_approved(verdict=held(approvals_needed=2), reviewers=("key-1", "key-2"))
    assert verdict_of(await signed(both)).reviewers == ("key-1", "key-2")


async def test_people_approve_the_bytes_that_they_saw() -> None:
    with pytest.raises(GiveUp) as gave_up:
        await signed(review_approved(verdict=held(image_sha256="0" * 64)))
    assert gave_up.value.reason == "verdict_mismatch"
    with pytest.raises(GiveUp):
        await signed(review_approved(delivery=delivery(source_sha256="0" * 64), verdict=held()))
