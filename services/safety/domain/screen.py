"""The text screen: what no setting lets through."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from services.safety.domain.names import name_words
from services.safety.domain.phrases import Match, PhraseBook
from services.safety.domain.policy import Category, Policy, Role
from services.safety.domain.words import Word, other_readings, read
from shared.content import Tier

_SEXUALISED_TIERS = frozenset({Tier.CAPA2, Tier.CAPA3})


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a text is for: its tier, the one name it may ask for, and the day it is read."""

    tier: Tier
    consented_name: str | None
    today: date


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text says: `blocked` by itself, and `doubtful` beside a text that has a context."""

    blocked: frozenset[Category] = frozenset()
    doubtful: frozenset[Category] = frozenset()
    has_context: bool = False


def blocked_together(readings: Iterable[Reading]) -> frozenset[Category]:
    """What blocks texts that are shown beside each other: harmless words may make harm together."""
    known = tuple(readings)
    if not any(reading.has_context for reading in known):
        return frozenset()
    return frozenset().union(*(reading.doubtful for reading in known))


class TextScreen:
    """Reads texts by one version of the policy.

    Raises PolicyError for a policy that cannot be understood. Work grows with the length of the
    text and never faster; no text makes it fail.
    """

    def __init__(self, policy: Policy) -> None:
        self._phrases = PhraseBook(policy)
        self._reasons = policy.reasons
        self.version = policy.version

    def reason(self, category: Category) -> str:
        """What to tell whoever wrote the text: no quote, no list of words."""
        return self._reasons[category]

    def screen(self, text: str, occasion: Occasion) -> list[Category]:
        """The categories that block this text; none when it may pass."""
        return sorted(self.reading(text, occasion).blocked)

    def reading(self, text: str, occasion: Occasion) -> Reading:
        """The text in every way it may be meant, the strictest of which counts."""
        blocked, doubtful, has_context = set[Category](), set[Category](), False
        for words in (read(text), *other_readings(text)):
            matches = _without_innocent(self._phrases.find(words, occasion.today))
            if not matches:
                continue
            context = any(match.role is Role.CONTEXT for match in matches)
            has_context |= context
            in_context = context or occasion.tier in _SEXUALISED_TIERS
            mentions = _mentions(matches)
            for match in _whole_names(matches):
                if match.category is None:
                    continue
                if match.role is Role.PERSON:
                    blocks = not self._may_be_named(match, mentions, words, occasion.consented_name)
                else:
                    blocks = match.role is Role.ALWAYS or (
                        match.role is Role.IN_CONTEXT and in_context
                    )
                if blocks:
                    blocked.add(match.category)
                elif match.role is Role.IN_CONTEXT:
                    doubtful.add(match.category)
        return Reading(frozenset(blocked), frozenset(doubtful), has_context)

    def screen_avoided(self, text: str, occasion: Occasion) -> list[Category]:
        """The categories that block a negative prompt: not showing adults means showing others."""
        return sorted(
            {
                match.category
                for words in (read(text), *other_readings(text))
                for match in self._phrases.find(words, occasion.today)
                if match.role is Role.AVOIDED and match.category
            }
        )

    def _may_be_named(
        self, match: Match, mentions: "_Mentions", words: Sequence[Word], consented: str | None
    ) -> bool:
        name = name_words(consented)
        if match.name_at is not None:
            return self._phrases.names.stands_at(name, words, match.name_at)
        is_own = self._phrases.names.holds(name, words, match.start, match.end)
        return is_own or match.start in mentions.behind or match.end in mentions.ahead


@dataclass(frozen=True, slots=True)
class _Mentions:
    """Where what is spoken of, not shown, begins (`behind` such words) or ends (`ahead`)."""

    behind: frozenset[int]
    ahead: frozenset[int]


def _mentions(matches: Sequence[Match]) -> _Mentions:
    return _Mentions(
        frozenset(match.end for match in matches if match.role is Role.MENTION_BEFORE),
        frozenset(match.start for match in matches if match.role is Role.MENTION_AFTER),
    )


def _whole_names(matches: Sequence[Match]) -> list[Match]:
    """Without the surname that is found once more inside a name: the name decides."""
    ordered = sorted(matches, key=lambda match: (match.start, -match.end))
    covered_until = 0
    left = []
    for match in ordered:
        is_name = match.role is Role.PERSON and match.name_at is None
        if is_name and match.end <= covered_until:
            continue
        if is_name:
            covered_until = match.end
        left.append(match)
    return left


def _without_innocent(matches: Sequence[Match]) -> list[Match]:
    # By where they begin, innocent ones first: what they cover comes after them.
    ordered = sorted(matches, key=lambda match: (match.start, match.role is not Role.INNOCENT))
    covered_until = 0
    left = []
    for match in ordered:
        if match.role is Role.INNOCENT:
            covered_until = max(covered_until, match.end)
        elif match.end > covered_until:
            left.append(match)
    return left
