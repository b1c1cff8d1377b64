"""What all judges' reports together mean: the strictest answer counts. Pure decisions."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from services.safety.domain.moderation import ModerationPolicy, Severity
from shared.content import BlockCategory, BlockedOn, Decision, JudgeReport, Rating, Tier

ON_IMAGE = "on the image"
IN_WORDS = "in the words"


@dataclass(frozen=True, slots=True)
class Hit:
    """A score that asks for something."""

    severity: Severity
    category: str
    judge: str
    where: str
    score: float

    def __str__(self) -> str:
        return f"{self.category} {self.score:.2f} {self.where}, says {self.judge}"


@dataclass(frozen=True, slots=True)
class Heard:
    """Who was asked, and what they said."""

    reports: tuple[JudgeReport, ...] = ()
    could_not: tuple[str, ...] = ()
    """Judges whom the piece concerns and who cannot judge it."""
    away: tuple[str, ...] = ()
    """Judges whom the piece concerns and who did not answer."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is to become of a piece, and why."""

    decision: Decision
    rating: Rating
    level: int
    tier: Tier
    reason: str
    judges: tuple[JudgeReport, ...] = ()
    unscored: tuple[str, ...] = ()
    blocked: BlockCategory | None = None
    blocked_on: BlockedOn | None = None
    blocked_by: str | None = None
    """The judge behind the block."""
    approvals_needed: int = 1

    def blamed_on_captions(self, report: JudgeReport, *, guilty: bool) -> "Ruling":
        """The same block, after a judge has looked at the captions alone."""
        on = BlockedOn.CAPTIONS if guilty else self.blocked_on
        return replace(self, judges=(*self.judges, report), blocked_on=on)


@dataclass(frozen=True, slots=True)
class _Found:
    policy: ModerationPolicy
    heard: Heard
    tier: Tier
    hits: tuple[Hit, ...]
    unscored: tuple[str, ...]
    score: float | None
    """The highest one of the rated categories; None where nobody gave any."""

    @property
    def worst(self) -> Severity:
        return max((hit.severity for hit in self.hits), default=Severity.NOTHING)

    def of(self, severity: Severity) -> list[Hit]:
        return [hit for hit in self.hits if hit.severity is severity]


def ruling(
    policy: ModerationPolicy,
    heard: Heard,
    *,
    tier: Tier,
    has_image: bool = True,
    has_words: bool = True,
) -> Ruling:
    """The ruling on what was ordered for `tier`.

    Nothing that somebody says is outvoted, what nobody could score is no pass, and the tier is
    only ever raised.
    """
    hits = tuple(_hits(policy, heard.reports))
    missing = _unscored_image(policy, heard.reports) if has_image else ()
    found = _Found(
        policy=policy,
        heard=heard,
        tier=tier,
        hits=hits,
        unscored=_merged(missing, _unscored_words(policy, heard.reports) if has_words else ()),
        score=_rated_score(policy, heard.reports),
    )
    if found.worst is Severity.BLOCK:
        return _blocked(found)
    return _graded(found)


def _hits(policy: ModerationPolicy, reports: Iterable[JudgeReport]) -> Iterator[Hit]:
    for report in reports:
        for where, scores in ((ON_IMAGE, report.image_scores), (IN_WORDS, report.text_scores)):
            for category, score in scores.items():
                severity = policy.severity(category, report.judge, score)
                if severity is not Severity.NOTHING:
                    yield Hit(severity, category, report.judge, where, score)


def _unscored_image(policy: ModerationPolicy, reports: Sequence[JudgeReport]) -> tuple[str, ...]:
    return tuple(
        name
        for name in policy.required_on_image
        if not any(
            report.judge in policy.categories[name].image_judges and name in report.image_scores
            for report in reports
        )
    )


def _unscored_words(policy: ModerationPolicy, reports: Sequence[JudgeReport]) -> tuple[str, ...]:
    return tuple(
        name
        for name, rule in policy.categories.items()
        if any(
            report.judge in rule.text_judges and name not in report.text_scores
            for report in reports
        )
    )


def _merged(*names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for each in names for name in each))


def _rated_score(policy: ModerationPolicy, reports: Iterable[JudgeReport]) -> float | None:
    return max(
        (
            score
            for report in reports
            for scores in (report.image_scores, report.text_scores)
            for category, score in scores.items()
            if category in policy.rated_by
        ),
        default=None,
    )


def _blocked(found: _Found) -> Ruling:
    # What was generated first: that is what freezes an avatar.
    hit = min(found.of(Severity.BLOCK), key=lambda each: each.where != ON_IMAGE)
    return Ruling(
        decision=Decision.REJECTED,
        rating=Rating.REJECTED,
        level=10,
        tier=found.tier,
        reason=f"an absolute block: {hit}",
        judges=found.heard.reports,
        unscored=found.unscored,
        blocked=found.policy.categories[hit.category].blocks,
        blocked_on=BlockedOn.IMAGE if hit.where == ON_IMAGE else BlockedOn.PROMPT,
        blocked_by=hit.judge,
    )


def _graded(found: _Found) -> Ruling:
    # Where nobody has rated it, a person will: the highest level until then.
    level = 10 if found.score is None else found.policy.level(found.score)
    grade = found.policy.grade(found.score or 0.0)
    if grade.tier is None:
        return _rejected(found, Rating.EXPLICIT, level, f"rated explicit at {found.score:.2f}")
    if found.worst is Severity.REJECT:
        return _rejected(found, Rating.REJECTED, level, _listed(found.of(Severity.REJECT)))
    tier = max(found.tier, grade.tier, key=lambda each: each.rank)
    held = list(_reasons_to_hold(found))
    return Ruling(
        decision=Decision.REVIEW if held else Decision.APPROVED,
        rating=Rating.PENDING_REVIEW if held else grade.rating,
        level=level if found.score is not None or held else grade.level,
        tier=tier,
        reason="; ".join(held) or f"nothing stands against it; rated {grade.rating}",
        judges=found.heard.reports,
        unscored=found.unscored,
        approvals_needed=_approvals_needed(found, tier),
    )


def _rejected(found: _Found, rating: Rating, level: int, reason: str) -> Ruling:
    return Ruling(
        decision=Decision.REJECTED,
        rating=rating,
        level=level,
        tier=found.tier,
        reason=reason,
        judges=found.heard.reports,
        unscored=found.unscored,
    )


def _reasons_to_hold(found: _Found) -> Iterator[str]:
    if hits := found.of(Severity.REVIEW):
        yield _listed(hits)
    if found.unscored:
        yield f"nobody could score {', '.join(found.unscored)}"
    if found.heard.could_not:
        yield f"cannot judge it: {', '.join(found.heard.could_not)}"
    if found.heard.away:
        yield f"no answer from {', '.join(found.heard.away)}"


def _approvals_needed(found: _Found, tier: Tier) -> int:
    policy = found.policy
    twice = tier in policy.twice_in_tiers or any(
        hit.category in policy.twice_for for hit in found.hits
    )
    return 2 if twice else 1


def _listed(hits: Sequence[Hit]) -> str:
    return "; ".join(map(str, hits))
