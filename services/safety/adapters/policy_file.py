"""Read the policy file: what is blocked, whatever is configured, and what scores mean."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from services.safety.adapters.moderation_section import ModerationSection
from services.safety.domain.moderation import ModerationPolicy
from services.safety.domain.names import name_words
from services.safety.domain.policy import Category, NumberWords, Policy, Role, RuleSet

POLICY_FILE = Path(__file__).parents[1] / "policy.json"
_BLOCKS = frozenset({Role.ALWAYS, Role.IN_CONTEXT, Role.PERSON, Role.AVOIDED})

Line = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Lines = Annotated[tuple[Line, ...], Field(min_length=1)]
Sign = Literal["+", "-", "*", "/"]


class PolicyFileError(ValueError):
    """The file cannot be used; the message names it and every place at fault, in one line."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Change(_Part):
    """What a version changed."""

    version: Line
    date: date
    change: Line


class Rules(_Part):
    """Phrases of one role; see `services.safety.domain.phrases` for how they are written."""

    role: Role
    category: Category | None = None
    language: str = Field(default="", pattern=r"^([a-z]{2})?$")
    phrases: Lines

    @model_validator(mode="after")
    def _has_a_category_if_it_blocks(self) -> Self:
        if (self.category is None) is (self.role in _BLOCKS):
            raise ValueError(f"category belongs to {', '.join(sorted(_BLOCKS))} and to no other")
        return self


class Numbers(_Part):
    """How a language writes numbers."""

    values: Mapping[Line, Annotated[int, Field(ge=0, le=1000)]] = Field(min_length=1)
    connectors: tuple[Line, ...] = ()
    operators: Mapping[Line, Sign] = Field(default_factory=dict)
    factors: Mapping[Line, Annotated[float, Field(gt=0, le=10)]] = Field(default_factory=dict)
    ranges: tuple[Line, ...] = ()


class PolicyFile(_Part):
    """The whole file."""

    format: Literal[1]
    version: Line
    changelog: Annotated[tuple[Change, ...], Field(min_length=1)]
    reasons: Mapping[Category, Line]
    rules: Annotated[tuple[Rules, ...], Field(min_length=1)]
    numbers: Mapping[Annotated[str, Field(pattern=r"^[a-z]{2}$")], Numbers] = Field(min_length=1)
    attached: Mapping[str, Lines]
    never_joined: tuple[Line, ...]
    clause_openers: Lines
    given_names: Lines
    not_names: Lines
    moderation: ModerationSection

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.changelog[0].version != self.version:
            raise ValueError("changelog must begin with the version of the file")
        if missing := set(Category) - set(self.reasons):
            raise ValueError(f"reasons lacks {', '.join(sorted(missing))}")
        if missing := set(Category) - {rules.category for rules in self.rules}:
            raise ValueError(f"rules lacks {', '.join(sorted(missing))}")
        return self

    def policy(self) -> Policy:
        """The file as the screen takes it."""
        return Policy(
            version=self.version,
            reasons=self.reasons,
            rules=tuple(RuleSet(**dict(rules)) for rules in self.rules),
            numbers={language: NumberWords(**dict(n)) for language, n in self.numbers.items()},
            given_names=_spelled(self.given_names),
            not_names=_spelled(self.not_names),
            attached=self.attached,
            never_joined=self.never_joined,
            clause_openers=self.clause_openers,
        )


@dataclass(frozen=True, slots=True)
class Policies:
    """Both halves of one version: what words may say, and what scores mean."""

    texts: Policy
    moderation: ModerationPolicy


def load_policy(path: Path = POLICY_FILE) -> Policies:
    """The policy of a file. Reads the disk: keep it off the event loop.

    Raises PolicyFileError that lists everything wrong with the file.
    """
    try:
        file = PolicyFile.model_validate_json(path.read_bytes())
    except OSError as exc:
        raise PolicyFileError(f"{path}: cannot be read: {exc.strerror}") from exc
    except ValidationError as exc:
        faults = (
            f"{'.'.join(map(str, fault['loc'])) or 'whole file'}: {fault['msg']}"
            for fault in exc.errors(include_url=False, include_input=False)
        )
        raise PolicyFileError(f"{path}: {'; '.join(faults)}") from exc
    return Policies(file.policy(), file.moderation.policy(file.version))


def _spelled(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset("".join(name_words(name)) for name in names)
