"""The `moderation` section of the policy file: what follows from scores."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from services.safety.domain.moderation import CategoryRule, Grade, Limits, ModerationPolicy
from shared.content import BlockCategory, Rating, Tier

Name = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Share = Annotated[float, Field(ge=0, le=1)]

_RISING = (Rating.SAFE, Rating.SUGGESTIVE, Rating.BORDERLINE, Rating.EXPLICIT)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LimitsPart(_Part):
    """From which score on something follows."""

    review: Share | None = None
    reject: Share | None = None
    block: Share | None = None

    def limits(self) -> Limits:
        """As the domain takes them."""
        return Limits(review=self.review, reject=self.reject, block=self.block)


class CategoryPart(_Part):
    """What is asked of one category."""

    image_judges: tuple[Name, ...] = ()
    image_required: bool = False
    text_judges: tuple[Name, ...] = ()
    limits: LimitsPart = LimitsPart()
    overrides: Mapping[Name, LimitsPart] = Field(default_factory=dict)
    blocks: BlockCategory | None = None

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        if self.image_required and not self.image_judges:
            raise ValueError("image_required, but no image_judges")
        for limits in self._all_limits():
            given = [x for x in (limits.review, limits.reject, limits.block) if x is not None]
            if given != sorted(given):
                raise ValueError("limits must rise: review, reject, block")
            if limits.block is not None and self.blocks is None:
                raise ValueError("a block limit belongs to an absolute block: set blocks")
        return self

    def _all_limits(self) -> Iterator[Limits]:
        yield self.limits.limits()
        for part in self.overrides.values():
            yield self.limits.limits().overridden(part.limits())

    def rule(self) -> CategoryRule:
        """As the domain takes it."""
        return CategoryRule(
            image_judges=frozenset(self.image_judges),
            image_required=self.image_required,
            text_judges=frozenset(self.text_judges),
            limits=self.limits.limits(),
            overrides={judge: part.limits() for judge, part in self.overrides.items()},
            blocks=self.blocks,
        )


class GradePart(_Part):
    """Where a rating begins."""

    rating: Rating
    at_least: Share
    level: int = Field(ge=1, le=10)
    tier: Tier | None


class TwoReviewers(_Part):
    """Where one person is not enough."""

    tiers: tuple[Tier, ...]
    categories: tuple[Name, ...]


class ModerationSection(_Part):
    """The whole section."""

    rated_by: Annotated[tuple[Name, ...], Field(min_length=1)]
    grades: tuple[GradePart, ...]
    two_reviewers: TwoReviewers
    categories: Mapping[Name, CategoryPart] = Field(min_length=1)

    @model_validator(mode="after")
    def _grades_rise(self) -> Self:
        if tuple(grade.rating for grade in self.grades) != _RISING:
            raise ValueError(f"grades must be {', '.join(_RISING)}, in this order")
        if self.grades[0].at_least != 0 or self.grades[0].level != 1:
            raise ValueError("grades must begin at a score of 0 and a level of 1")
        for lower, higher in pairwise(self.grades):
            if lower.at_least >= higher.at_least or lower.level >= higher.level:
                raise ValueError(f"{higher.rating} must begin above {lower.rating}")
        return self

    @model_validator(mode="after")
    def _tiers_rise(self) -> Self:
        *allowed, explicit = (grade.tier for grade in self.grades)
        if explicit is not None:
            raise ValueError("explicit is refused: its tier must be null")
        ranks = [tier.rank for tier in allowed if tier is not None]
        if len(ranks) != len(allowed) or ranks != sorted(ranks):
            raise ValueError("the tiers of the other grades must be given, and rise")
        return self

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        named = {*self.rated_by, *self.two_reviewers.categories}
        if unknown := named - set(self.categories):
            raise ValueError(f"categories lacks {', '.join(sorted(unknown))}")
        return self

    def policy(self, version: str) -> ModerationPolicy:
        """As the domain takes it."""
        return ModerationPolicy(
            version=version,
            grades=tuple(Grade(g.rating, g.at_least, g.level, g.tier) for g in self.grades),
            rated_by=frozenset(self.rated_by),
            categories={name: part.rule() for name, part in self.categories.items()},
            twice_in_tiers=frozenset(self.two_reviewers.tiers),
            twice_for=frozenset(self.two_reviewers.categories),
        )
