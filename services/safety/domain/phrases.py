"""The language of the policy's phrases, and how they are found in a text.

A phrase is words in order, whatever stands between them. `a|b` is either, `word?` may be missing,
`stem*` is any word with that beginning; in braces stand slots, for example `{minor} years old`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from itertools import product

from services.safety.domain import ages
from services.safety.domain.lexicon import Arcs, Lexicon
from services.safety.domain.names import NameReader
from services.safety.domain.numbers import Number, NumberReader
from services.safety.domain.policy import Category, Policy, PolicyError, Role, RuleSet
from services.safety.domain.words import Word

_MOST_WORDS_TOGETHER = 3
_CLAUSE_ENDS = frozenset(",.;:!?()[]{}|\n")


class Slot(StrEnum):
    """What may stand in a phrase instead of a word."""

    NUMBER = "number"
    """Any number."""
    MINOR = "minor"
    """An age in years under the limit."""
    TEEN = "teen"
    """As minor, but at least nine: what a bare number beside a person may mean."""
    MONTHS = "months"
    """An age in months under the limit."""
    LIMIT = "limit"
    """The age limit itself."""
    YEAR = "year"
    """A year in which somebody was born who may be under age."""
    NAME = "name"
    """A given name and a surname."""
    GIVEN = "given"
    """As name, with a given name that is known as one."""
    END = "end"
    """No word: here a clause ends."""


@dataclass(frozen=True, slots=True)
class Match:
    """A phrase found in the words from `start` up to, not including, `end`."""

    start: int
    end: int
    role: Role
    category: Category | None
    name_at: int | None = None
    """Where the name of a person begins, for phrases that hold one."""


@dataclass(slots=True)
class _Node:
    words: dict[int, "_Node"] = field(default_factory=dict)
    slots: dict[tuple[Slot, str], "_Node"] = field(default_factory=dict)
    accepts: list[RuleSet] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Text:
    """A text with all that was read in it."""

    words: Sequence[Word]
    ends: Sequence[Mapping[int, Sequence[int]]]
    """For each word: by the id of each known word that begins there, where it may end."""
    numbers: dict[int, Number]
    today: date
    capitals_tell: bool


class PhraseBook:
    """All phrases of a policy, looked for at once. Raises PolicyError for one it cannot read."""

    def __init__(self, policy: Policy) -> None:
        pairs = (joined.split() for joined in policy.never_joined)
        self._lexicon = Lexicon(policy.attached, pairs)
        self._numbers = NumberReader(policy.numbers, self._lexicon)
        self._openers = frozenset(map(self._lexicon.add, policy.clause_openers))
        self._root = _Node()
        self.names = NameReader(policy.given_names, policy.not_names)
        for rules in policy.rules:
            for phrase in rules.phrases:
                self._learn(phrase, rules)

    def _learn(self, phrase: str, rules: RuleSet) -> None:
        nodes = [self._root]
        for part in phrase.split():
            reached = [
                node
                for word in part.removesuffix("?").split("|")
                for node in self._children(nodes, word, phrase, rules.language)
            ]
            nodes = reached + nodes if part.endswith("?") else reached
        nodes += [self._word(joined) for joined in _written_together(phrase, rules)]
        if self._root in nodes:
            raise PolicyError(f"{phrase!r} may be empty")
        for node in nodes:
            node.accepts.append(rules)

    def _children(
        self, nodes: Sequence[_Node], word: str, phrase: str, language: str
    ) -> list[_Node]:
        if word.startswith("{"):
            slot = _slot(word, phrase)
            return [node.slots.setdefault((slot, language), _Node()) for node in nodes]
        number = self._lexicon.add(word, language)
        return [node.words.setdefault(number, _Node()) for node in nodes]

    def _word(self, word: str) -> _Node:
        return self._root.words.setdefault(self._lexicon.add(word), _Node())

    def find(self, words: Sequence[Word], today: date) -> list[Match]:
        """Every phrase of the policy that stands in the text."""
        arcs = self._lexicon.find(words)
        numbers = self._numbers.find(words, arcs)
        # Once for the text: it is asked at every word.
        text = Text(words, _by_id(arcs), numbers, today, self.names.capitals_tell(words))
        return [
            match
            for start, word in enumerate(words)
            if arcs[start] or start in text.numbers or word.shown[0].isupper()
            for match in self._beginning_at(start, text)
        ]

    def _beginning_at(self, start: int, text: Text) -> Iterator[Match]:
        waiting: list[tuple[_Node, int, int | None]] = [(self._root, start, None)]
        while waiting:
            node, at, name_at = waiting.pop()
            for rules in node.accepts:
                if _is_bounded(text.words, start, at):
                    yield Match(start, at, rules.role, rules.category, name_at)
            waiting += self._steps(node, at, name_at, text)

    def _steps(
        self, node: _Node, at: int, name_at: int | None, text: Text
    ) -> Iterator[tuple[_Node, int, int | None]]:
        if at < len(text.ends):
            for number in _in_both(text.ends[at], node.words):
                following = node.words[number]
                yield from ((following, end, name_at) for end in text.ends[at][number])
        for (slot, language), following in node.slots.items():
            if slot in _NAME_SLOTS:
                name_end = self._end_of_name(slot, at, text)
                if name_end is not None:
                    yield following, name_end, at
            elif slot is Slot.END:
                if self._is_end(at, text):
                    yield following, at, name_at
            elif (number_end := _end_of_number(slot, language, at, text)) is not None:
                yield following, number_end, name_at

    def _end_of_name(self, slot: Slot, at: int, text: Text) -> int | None:
        if at >= len(text.words):
            return None
        if slot is Slot.GIVEN and text.words[at].text not in self.names.given_names:
            return None
        return self.names.end_of_name(text.words, at, capitals_tell=text.capitals_tell)

    def _is_end(self, at: int, text: Text) -> bool:
        if at >= len(text.words):
            return True
        gap = text.words[at].gap
        if " - " in gap or not _CLAUSE_ENDS.isdisjoint(gap):
            return True
        return not self._openers.isdisjoint(text.ends[at])


def _by_id(arcs: Arcs) -> list[Mapping[int, Sequence[int]]]:
    # A letter that is repeated in pieces of its own ends a word at each of them: grouped, one
    # look finds them all.
    return [_grouped(beginning) for beginning in arcs]


def _grouped(beginning: Sequence[tuple[int, int]]) -> Mapping[int, Sequence[int]]:
    ends: dict[int, list[int]] = defaultdict(list)
    for end, number in beginning:
        ends[number].append(end)
    return ends


def _in_both(one: Mapping[int, object], other: Mapping[int, object]) -> Iterator[int]:
    fewer, more = sorted((one, other), key=len)
    return (number for number in fewer if number in more)


def _written_together(phrase: str, rules: RuleSet) -> list[str]:
    """The spellings of a short phrase without spaces, as in hashtags."""
    parts = phrase.split()
    plain = rules.category is not None and not any(sign in phrase for sign in "{*?")
    if not plain or not 1 < len(parts) <= _MOST_WORDS_TOGETHER:
        return []
    return ["".join(words) for words in product(*(part.split("|") for part in parts))]


def _slot(word: str, phrase: str) -> Slot:
    name = word.removeprefix("{").removesuffix("}")
    if word != f"{{{name}}}" or name not in {slot.value for slot in Slot}:
        raise PolicyError(f"{phrase!r} holds an unknown slot {word}")
    return Slot(name)


def _end_of_number(slot: Slot, language: str, at: int, text: Text) -> int | None:
    number = text.numbers.get(at)
    if number is None or not _NUMBER_SLOTS[slot](number.value, text.today):
        return None
    fits = not number.languages or not language or language in number.languages
    return number.end if fits else None


def _is_bounded(words: Sequence[Word], start: int, end: int) -> bool:
    """Whether a match with digits in it is no piece of something longer, such as a random id."""
    if not any(word.is_digits for word in words[start:end]):
        return True
    before = start > 0 and not words[start].gap and not _is_free(words[start - 1 : start + 1])
    after = end < len(words) and not words[end].gap and not _is_free(words[end - 1 : end + 1])
    return not (before or after)


def _is_free(neighbours: Sequence[Word]) -> bool:
    return any(word.stands_alone for word in neighbours)


_NAME_SLOTS = frozenset({Slot.NAME, Slot.GIVEN})

_NUMBER_SLOTS: dict[Slot, Callable[[int, date], bool]] = {
    Slot.NUMBER: lambda _, __: True,
    Slot.MINOR: lambda value, _: ages.is_minor(value),
    Slot.TEEN: lambda value, _: value >= ages.YOUNGEST_TEEN and ages.is_minor(value),
    Slot.MONTHS: lambda value, _: ages.is_minor_in_months(value),
    Slot.LIMIT: lambda value, _: value == ages.ADULT_AT,
    Slot.YEAR: ages.may_be_minor,
}
