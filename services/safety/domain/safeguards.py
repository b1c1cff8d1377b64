"""Reports that tell at the start whether the policy refuses what no setting lets through."""

from collections.abc import Iterator

from services.safety.domain.moderation import MINORS, ModerationPolicy
from services.safety.domain.rulings import Heard, Ruling, ruling
from shared.content import BlockCategory, Decision, JudgeReport, Tier

CERTAIN_ENOUGH = 0.5
"""A score of minors that must block, whoever gives it."""

_ANYBODY = "anybody"


def weaknesses(policy: ModerationPolicy) -> Iterator[str]:
    """What the policy would let through, in words for an operator."""
    judges = sorted(_judges(policy))
    for judge in (*judges, _ANYBODY):
        for report in (
            JudgeReport(judge=judge, image_scores={MINORS: CERTAIN_ENOUGH}),
            JudgeReport(judge=judge, text_scores={MINORS: CERTAIN_ENOUGH}),
        ):
            if _ruled(policy, report).blocked is not BlockCategory.MINORS:
                where = "an image" if report.image_scores else "words"
                yield f"{MINORS} {CERTAIN_ENOUGH} on {where}, from {judge}, is not blocked"
    clean = dict.fromkeys(policy.categories, 0.0)
    unseen = {name: score for name, score in clean.items() if name != MINORS}
    reports = [JudgeReport(judge=judge, image_scores=unseen, text_scores=clean) for judge in judges]
    if _ruled(policy, *reports).decision is Decision.APPROVED:
        yield f"an image passes although nobody has scored {MINORS} on it"
    explicit = JudgeReport(judge=_ANYBODY, image_scores=dict.fromkeys(policy.rated_by, 1.0))
    if _ruled(policy, explicit).decision is not Decision.REJECTED:
        yield "the most explicit image is not refused"


def _ruled(policy: ModerationPolicy, *reports: JudgeReport) -> Ruling:
    return ruling(policy, Heard(reports), tier=Tier.CAPA3)


def _judges(policy: ModerationPolicy) -> set[str]:
    return {
        judge
        for rule in policy.categories.values()
        for judge in (*rule.image_judges, *rule.text_judges, *rule.overrides)
    }
