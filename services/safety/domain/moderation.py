"""What the policy says about scores, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from itertools import pairwise

from shared.content import BlockCategory, Rating, Tier

MINORS = "sexual/minors"
"""The category that no policy may let through."""


class Severity(IntEnum):
    """What a score asks for, from the mildest to the strictest."""

    NOTHING = 0
    REVIEW = 1
    REJECT = 2
    BLOCK = 3


@dataclass(frozen=True, slots=True)
class Limits:
    """From which score on something follows; None where nothing does."""

    review: float | None = None
    reject: float | None = None
    block: float | None = None

    def severity(self, score: float) -> Severity:
        """The strictest consequence of a score."""
        if self.block is not None and score >= self.block:
            return Severity.BLOCK
        if self.reject is not None and score >= self.reject:
            return Severity.REJECT
        if self.review is not None and score >= self.review:
            return Severity.REVIEW
        return Severity.NOTHING

    def overridden(self, other: "Limits") -> "Limits":
        """These, with those that the other has in their place."""
        given = {
            "review": other.review,
            "reject": other.reject,
            "block": other.block,
        }
        return replace(self, **{name: limit for name, limit in given.items() if limit is not None})


@dataclass(frozen=True, slots=True)
class CategoryRule:
    """What is asked of one category.

    A score counts against a piece whoever gives it; for it counts only who is named here.
    """

    image_judges: frozenset[str] = frozenset()
    """Who can score it on an image."""
    image_required: bool = False
    text_judges: frozenset[str] = frozenset()
    """Who, if asked about words, has to score it on them."""
    limits: Limits = field(default_factory=Limits)
    overrides: Mapping[str, Limits] = field(default_factory=dict)
    blocks: BlockCategory | None = None
    """The absolute block that the block limit stands for."""

    def severity(self, judge: str, score: float) -> Severity:
        """What this judge's score asks for."""
        own = self.overrides.get(judge)
        limits = self.limits if own is None else self.limits.overridden(own)
        return limits.severity(score)


@dataclass(frozen=True, slots=True)
class Grade:
    """A rating: the score and the level at which it begins, and the least tier it may have."""

    rating: Rating
    at_least: float
    level: int
    tier: Tier | None
    """None: in no tier."""


@dataclass(frozen=True, slots=True)
class ModerationPolicy:
    """All that makes a ruling of scores. Grades rise from a score of 0."""

    version: str
    grades: tuple[Grade, ...]
    rated_by: frozenset[str]
    """Categories whose highest score decides the rating."""
    categories: Mapping[str, CategoryRule]
    twice_in_tiers: frozenset[Tier] = frozenset()
    """Tiers in which two people have to agree before a held piece goes on."""
    twice_for: frozenset[str] = frozenset()
    """Categories that ask for two people once a score of theirs holds a piece."""

    @property
    def required_on_image(self) -> tuple[str, ...]:
        """Categories without whose score no image passes."""
        return tuple(name for name, rule in self.categories.items() if rule.image_required)

    def severity(self, category: str, judge: str, score: float) -> Severity:
        """What a score asks for; a category that the policy does not know asks for nothing."""
        rule = self.categories.get(category)
        return Severity.NOTHING if rule is None else rule.severity(judge, score)

    def grade(self, score: float) -> Grade:
        """The grade of the highest score among the rated categories."""
        return [grade for grade in self.grades if score >= grade.at_least][-1]

    def level(self, score: float) -> int:
        """1 to 10; grows evenly within a grade, up to just below the next one."""
        ends = [(grade.at_least, grade.level) for grade in self.grades] + [(1.0, 11)]
        for (begins, first), (until, following) in pairwise(ends):
            if score < until:
                return first + int((score - begins) / (until - begins) * (following - first))
        return 10

    def of_rating(self, rating: Rating) -> Grade:
        """The grade of a rating that a person has given. KeyError for one that is no grade."""
        return {grade.rating: grade for grade in self.grades}[rating]
