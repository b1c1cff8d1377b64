"""Verdicts: a ruling, written down about the very bytes it was made for."""

from dataclasses import dataclass

from services.safety.domain.moderation import Grade
from services.safety.domain.rulings import Ruling
from shared.content import (
    BlockCategory,
    BlockedOn,
    Decision,
    ImagePrint,
    JudgeReport,
    Rating,
    Sha256,
    Tier,
    Verdict,
)

TEXT_SCREEN = "text_screen"
TAKEDOWNS = "takedowns"
REVIEW = "review"
NOBODY = "none"


@dataclass(frozen=True, slots=True)
class Matter:
    """What a verdict is about: the bytes, what they look like, the tier they were ordered for."""

    image_sha256: Sha256
    tier: Tier
    policy_version: str
    image_print: ImagePrint | None = None

    def ruled(self, found: Ruling, words: JudgeReport) -> Verdict:
        """The verdict of the judges who were asked."""
        asked = tuple(report.judge for report in found.judges)
        return self._verdict(
            decision=found.decision,
            rating=found.rating,
            explicitness_level=found.level,
            tier=found.tier,
            judge="+".join(dict.fromkeys(asked)) or NOBODY,
            reason=found.reason,
            judges=(words, *found.judges),
            unscored=found.unscored,
            blocked=found.blocked,
            blocked_on=found.blocked_on,
            approvals_needed=found.approvals_needed,
        )

    def blocked_words(
        self, category: BlockCategory, reason: str, on: BlockedOn, words: JudgeReport
    ) -> Verdict:
        """The verdict on a piece whose words are blocked, whatever its image shows."""
        return self._refused(
            judge=TEXT_SCREEN,
            reason=f"text blocked ({category.value}): {reason}",
            judges=(words,),
            blocked=category,
            blocked_on=on,
        )

    def taken_down(self, like_piece: str, words: JudgeReport) -> Verdict:
        """The verdict on an image that was taken down before."""
        return self._refused(
            judge=TAKEDOWNS,
            reason=f"looks the same as piece {like_piece}, which was taken down",
            judges=(words,),
        )

    def skipped(self, why: str, words: JudgeReport) -> Verdict:
        """The verdict on an image that nobody looked at, because that is allowed."""
        return self._verdict(
            decision=Decision.SKIPPED,
            rating=Rating.SAFE,
            explicitness_level=1,
            judge=TEXT_SCREEN,
            reason=f"not judged: {why}",
            judges=(words,),
        )

    def approved(
        self, earlier: Verdict, grade: Grade, reviewers: tuple[str, ...], words: JudgeReport
    ) -> Verdict:
        """The verdict of people on a piece that was held."""
        if grade.tier is None or earlier.blocked is not None:
            raise ValueError("nobody may approve it")
        heard = (report for report in earlier.judges if report.judge != TEXT_SCREEN)
        return self._verdict(
            decision=Decision.APPROVED,
            rating=grade.rating,
            explicitness_level=grade.level,
            tier=max(self.tier, earlier.tier, grade.tier, key=lambda tier: tier.rank),
            judge=REVIEW,
            reason=f"rated {grade.rating.value} by review",
            judges=(words, *heard),
            unscored=earlier.unscored,
            approvals_needed=earlier.approvals_needed,
            reviewers=reviewers,
        )

    def never_approved(self, earlier: Verdict, words: JudgeReport) -> Verdict:
        """The verdict on an approved piece that is under an absolute block all the same."""
        return self._refused(
            judge=earlier.judge,
            reason="an absolute block, which nobody can approve",
            judges=earlier.judges or (words,),
            blocked=earlier.blocked,
            blocked_on=earlier.blocked_on,
        )

    def _refused(self, **news: object) -> Verdict:
        return self._verdict(
            decision=Decision.REJECTED,
            rating=Rating.REJECTED,
            explicitness_level=10,
            **news,
        )

    def _verdict(self, **news: object) -> Verdict:
        known = {
            "image_sha256": self.image_sha256,
            "image_print": self.image_print,
            "tier": self.tier,
            "policy_version": self.policy_version,
        }
        return Verdict.model_validate(known | news)
