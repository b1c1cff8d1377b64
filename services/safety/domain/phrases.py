"""The language of the policy's phrases, and how they are found in a text.

A phrase is words in order, whatever stands between them. `a|b` is either, `word?` may be missing,
`stem*` is any word with that beginning; in braces stand slots, for example `{minor} years old`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import product
from typing import NamedTuple

from services.safety.domain import ages
from services.safety.domain.lexicon import Arcs, Lexicon
from services.safety.domain.names import NameReader
from services.safety.domain.numbers import Number, NumberReader
from services.safety.domain.policy import Category, Policy, PolicyError, Role, RuleSet
from services.safety.domain.slots import Slot
from services.safety.domain.words import Word

_MOST_WORDS_TOGETHER = 3
_NAME_AND_SURNAME = 2
_SHORTEST_NAME = 3
_NO_WORD: Mapping[int, Sequence[int]] = {}
_CLAUSE_ENDS = frozenset(",.;:!?()[]{}|\n")


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
    words: dict[int, list["_Node"]] = field(default_factory=dict)
    numbers: dict[tuple[Slot, str], list["_Node"]] = field(default_factory=dict)
    slots: dict[Slot, list["_Node"]] = field(default_factory=dict)
    accepts: list[RuleSet] = field(default_factory=list)


class _Place(NamedTuple):
    """How far into the phrases and into a text, and what was met on the way."""

    node: _Node
    at: int
    name_at: int | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """A text with all that was read in it."""

    words: Sequence[Word]
    ends: Sequence[Mapping[int, Sequence[int]]]
    """By the id of each known word that begins at a word, where it may end; {} after the last."""
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
        self._places: dict[tuple[tuple[int, ...], str, str], _Node] = {}
        self.names = NameReader(policy.given_names, policy.not_names)
        for rules in policy.rules:
            for phrase in rules.phrases:
                self._learn(phrase, rules)

    def _learn(self, phrase: str, rules: RuleSet) -> None:
        nodes: tuple[_Node, ...] = (self._root,)
        for part in phrase.split():
            reached = self._after(nodes, part.removesuffix("?"), phrase, rules.language)
            nodes = (reached, *nodes) if part.endswith("?") else (reached,)
        if self._root in nodes:
            raise PolicyError(f"{phrase!r} may be empty")
        for others in (_written_together(phrase, rules), _surname_first(phrase, rules)):
            for other in others:
                nodes += (self._after_all(other.split(), phrase, rules.language),)
        for node in nodes:
            if rules not in node.accepts:
                node.accepts.append(rules)

    def _after_all(self, parts: Sequence[str], phrase: str, language: str) -> _Node:
        node = self._root
        for part in parts:
            node = self._after((node,), part, phrase, language)
        return node

    def _after(self, nodes: tuple[_Node, ...], part: str, phrase: str, language: str) -> _Node:
        """The one place where all alternatives of a part lead, shared by equal beginnings."""
        place = (tuple(map(id, nodes)), part, language)
        if (known := self._places.get(place)) is not None:
            return known
        reached = self._places[place] = _Node()
        for word in part.split("|"):
            for node in nodes:
                self._lead(node, word, phrase, language).append(reached)
        return reached

    def _lead(self, node: _Node, word: str, phrase: str, language: str) -> list[_Node]:
        if not word.startswith("{"):
            return node.words.setdefault(self._lexicon.add(word, language), [])
        slot = _slot(word, phrase)
        if slot in _NUMBER_SLOTS:
            return node.numbers.setdefault((slot, language), [])
        return node.slots.setdefault(slot, [])

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

    def _beginning_at(self, start: int, text: Text) -> list[Match]:
        found = []
        waiting = [_Place(self._root, start)]
        while waiting:
            place = waiting.pop()
            for rules in place.node.accepts:
                if _is_bounded(text.words, start, place.at):
                    match = Match(start, place.at, rules.role, rules.category, place.name_at)
                    found.append(match)
            self._step(place, text, waiting)
        return found

    def _step(self, place: _Place, text: Text, waiting: list[_Place]) -> None:
        """Add the places where the words, slots and numbers after this one lead."""
        node = place.node
        if node.words and (ends := text.ends[place.at]):
            for number in ends.keys() & node.words.keys():
                for end, following in product(ends[number], node.words[number]):
                    waiting.append(_Place(following, end, place.name_at, place.number))
        if node.slots:
            waiting.extend(self._past_slots(place, text))
        if node.numbers and (found := text.numbers.get(place.at)) is not None:
            waiting.extend(_past_a_number(found, place, text))

    def _past_slots(self, place: _Place, text: Text) -> Iterator[_Place]:
        for slot, reached in place.node.slots.items():
            if (end := self._end_of_slot(slot, place.at, text)) is not None:
                name_at = place.at if slot in _NAME_SLOTS else place.name_at
                for following in reached:
                    yield _Place(following, end, name_at, place.number)

    def _end_of_slot(self, slot: Slot, at: int, text: Text) -> int | None:
        match slot:
            case Slot.END:
                return at if self._is_end(at, text) else None
            case Slot.PROPER:
                return self.names.end_of_proper(text.words, at, capitals_tell=text.capitals_tell)
            case _:
                return self._end_of_name(slot, at, text)

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


def _past_a_number(found: Number, place: _Place, text: Text) -> Iterator[_Place]:
    for (slot, language), reached in place.node.numbers.items():
        if found.is_written_in(language) and _NUMBER_SLOTS[slot](found, place, text):
            for following in reached:
                yield _Place(following, found.end, place.name_at, found.value)


def _by_id(arcs: Arcs) -> list[Mapping[int, Sequence[int]]]:
    # A letter that is repeated in pieces of its own ends a word at each of them: grouped, one
    # look finds them all.
    return [*(_grouped(beginning) if beginning else _NO_WORD for beginning in arcs), _NO_WORD]


def _grouped(beginning: Sequence[tuple[int, int]]) -> Mapping[int, Sequence[int]]:
    ends: dict[int, list[int]] = defaultdict(list)
    for end, number in beginning:
        ends[number].append(end)
    return ends


def _written_together(phrase: str, rules: RuleSet) -> list[str]:
    """The spellings of a short phrase without spaces, as in hashtags."""
    parts = phrase.split()
    plain = rules.category is not None and not any(sign in phrase for sign in "{*?")
    if not plain or not 1 < len(parts) <= _MOST_WORDS_TOGETHER:
        return []
    return ["".join(words) for words in product(*(part.split("|") for part in parts))]


def _surname_first(phrase: str, rules: RuleSet) -> list[str]:
    """A name of two words the other way round."""
    parts = phrase.split()
    is_name = rules.role is Role.PERSON and len(parts) == _NAME_AND_SURNAME
    if not is_name or any(len(part) < _SHORTEST_NAME or "{" in part for part in parts):
        return []
    return [" ".join(reversed(parts))]


def _slot(word: str, phrase: str) -> Slot:
    name = word.removeprefix("{").removesuffix("}")
    if word != f"{{{name}}}" or name not in {slot.value for slot in Slot}:
        raise PolicyError(f"{phrase!r} holds an unknown slot {word}")
    return Slot(name)


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


def _is_teen(number: Number) -> bool:
    return number.value >= ages.YOUNGEST_TEEN and ages.is_minor(number.value)


def _leaves_a_minor(number: Number, place: _Place) -> bool:
    return place.number is not None and 0 <= number.value - place.number < ages.ADULT_AT


_NUMBER_SLOTS: dict[Slot, Callable[[Number, _Place, Text], bool]] = {
    Slot.NUMBER: lambda _, __, ___: True,
    Slot.MINOR: lambda number, _, __: ages.is_minor(number.value),
    Slot.TEEN: lambda number, _, __: _is_teen(number),
    Slot.ADULT: lambda number, _, __: ages.is_adult(number.value),
    Slot.RECKONED: lambda number, _, __: number.is_reckoned and _is_teen(number),
    Slot.LEFT: lambda number, place, _: _leaves_a_minor(number, place),
    Slot.MONTHS: lambda number, _, __: ages.is_minor_in_months(number.value),
    Slot.LIMIT: lambda number, _, __: number.value == ages.ADULT_AT,
    Slot.YEAR: lambda number, _, text: ages.may_be_minor(number.value, text.today),
    Slot.CLASS: lambda number, _, text: ages.may_be_at_school(number.value, text.today),
}
