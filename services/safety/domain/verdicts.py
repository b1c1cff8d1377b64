"""Verdicts: what a judgement means for a piece. Pure decisions; when in doubt, a person looks."""

from dataclasses import dataclass

from shared.content import Decision, Rating, Sha256, Tier, Verdict

POLICY_VERSION = "2026-11"
TEXT_SCREEN = "text_screen"

_REFUSED = frozenset({Rating.REJECTED, Rating.EXPLICIT})


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a judge says: a rating, how explicit (1–10), and the tier it belongs in at least."""

    rating: Rating
    explicitness_level: int
    tier_at_least: Tier
    reason: str


def verdict(
    judgement: Judgement | None, *, judge: str, tier: Tier, image_sha256: Sha256
) -> Verdict:
    """The verdict on a piece ordered for `tier`.

    No judgement is never a pass: the piece waits for a person. The tier is raised to what the
    judgement asks for and never lowered.
    """
    if judgement is None:
        return Verdict(
            decision=Decision.REVIEW,
            rating=Rating.PENDING_REVIEW,
            explicitness_level=10,
            tier=tier,
            image_sha256=image_sha256,
            judge=judge,
            policy_version=POLICY_VERSION,
            reason="no judge could judge this image",
        )
    return Verdict(
        decision=_decision(judgement.rating),
        rating=judgement.rating,
        explicitness_level=judgement.explicitness_level,
        tier=max(tier, judgement.tier_at_least, key=lambda each: each.rank),
        image_sha256=image_sha256,
        judge=judge,
        policy_version=POLICY_VERSION,
        reason=judgement.reason,
    )


def blocked(
    category: str, reason: str, *, tier: Tier, image_sha256: Sha256, policy_version: str
) -> Verdict:
    """The verdict on a piece whose words are blocked, whatever its image shows."""
    return Verdict(
        decision=Decision.REJECTED,
        rating=Rating.REJECTED,
        explicitness_level=10,
        tier=tier,
        image_sha256=image_sha256,
        judge=TEXT_SCREEN,
        policy_version=policy_version,
        reason=f"text blocked ({category}): {reason}",
    )


def _decision(rating: Rating) -> Decision:
    if rating in _REFUSED:
        return Decision.REJECTED
    return Decision.REVIEW if rating is Rating.PENDING_REVIEW else Decision.APPROVED
