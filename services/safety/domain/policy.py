"""What the policy says, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class PolicyError(ValueError):
    """A policy that cannot be understood; the message quotes the place."""


class Category(StrEnum):
    """What is blocked, whatever is configured."""

    MINORS = "minors"
    REAL_PERSON = "real_person"
    EXPLICIT_ILLEGAL = "explicit_illegal"


class Role(StrEnum):
    """What a phrase does to a text."""

    ALWAYS = "always"
    """Blocks, wherever it stands."""
    IN_CONTEXT = "in_context"
    """Blocks beside a phrase of the role context, and in tiers that are a context themselves."""
    PERSON = "person"
    """Names a real person: blocks, unless it is the consented name or only a mention."""
    CONTEXT = "context"
    """Makes a text sexualised or about a body."""
    AVOIDED = "avoided"
    """Blocks where it stands among what an image shall not show, and only there."""
    INNOCENT = "innocent"
    """Takes the meaning from every phrase inside it."""
    MENTION_BEFORE = "mention_before"
    """What follows is spoken of, not shown."""
    MENTION_AFTER = "mention_after"
    """What comes before is spoken of, not shown."""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Phrases of one role. `category` belongs to those that block."""

    role: Role
    phrases: tuple[str, ...]
    category: Category | None = None
    language: str = ""


@dataclass(frozen=True, slots=True)
class NumberWords:
    """How a language writes numbers."""

    values: Mapping[str, int]
    connectors: tuple[str, ...] = ()
    operators: Mapping[str, str] = field(default_factory=dict)
    factors: Mapping[str, float] = field(default_factory=dict)
    ranges: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """The whole policy, one version of it."""

    version: str
    reasons: Mapping[Category, str]
    rules: tuple[RuleSet, ...]
    numbers: Mapping[str, NumberWords]
    given_names: frozenset[str]
    not_names: frozenset[str]
    attached: Mapping[str, tuple[str, ...]]
    never_joined: tuple[str, ...]
    clause_openers: tuple[str, ...]
    """Words after which a number that ended a clause still counts as its end."""
