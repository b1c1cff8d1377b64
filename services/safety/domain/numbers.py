"""Read the numbers of a text: digits, words of several languages, and sums of them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.safety.domain.lexicon import Arcs, Lexicon
from services.safety.domain.policy import NumberWords
from services.safety.domain.words import Word

LARGEST = 9999
"""Longer digits are no age and no year."""

_DIGITS_IN_DISGUISE = {"l": "1", "i": "1", "o": "0", "s": "5", "z": "2", "b": "8"}
_SIGNS = {"+": "+", "-": "-", "*": "*", "/": "/", "^": "^", "**": "^"}
_TWO_DIGITS = re.compile("[0-9]{2}")
_ANOTHER_BASE = re.compile("0(?:b[01]+|o[0-7]+|x[0-9a-f]+)")
_MOST_PIECES = 6
"""A number in another base is cut into no more words than these, if it is an age."""
_RANGE = "…"
_OF_TEN = 10


@dataclass(frozen=True, slots=True)
class Number:
    """A number up to, not including, the word `end` of a text."""

    end: int
    value: int
    languages: frozenset[str]
    """Those that write it so; empty for digits, which all of them do."""
    is_reckoned: bool = False
    """Whether words do sums in it: eighteen minus one."""

    def is_written_in(self, language: str) -> bool:
        """Whether that language, or one left open, writes the number so."""
        return not self.languages or not language or language in self.languages


class NumberReader:
    """Finds the numbers, each as large as it can be read: `twenty-two` holds no `two`."""

    def __init__(self, languages: Mapping[str, NumberWords], lexicon: Lexicon) -> None:
        self._values: dict[int, int] = {}
        self._languages: dict[int, frozenset[str]] = {}
        self._connectors: set[int] = set()
        self._operators: dict[int, str] = {}
        self._spelled_operators: set[str] = set()
        self._factors: dict[int, float] = {}
        for language, words in languages.items():
            self._learn(language, words, lexicon)

    def _learn(self, language: str, words: NumberWords, lexicon: Lexicon) -> None:
        for word, value in words.values.items():
            number = lexicon.add(word, language)
            self._values[number] = value
            self._languages[number] = self._languages.get(number, frozenset()) | {language}
        self._connectors.update(lexicon.add(word, language) for word in words.connectors)
        self._operators |= {lexicon.add(word): sign for word, sign in words.operators.items()}
        self._operators |= {lexicon.add(word): _RANGE for word in words.ranges}
        self._spelled_operators.update(word.split()[0] for word in words.operators)
        self._factors |= {lexicon.add(word): factor for word, factor in words.factors.items()}

    def find(self, words: Sequence[Word], arcs: Arcs) -> dict[int, Number]:
        """The numbers by the word where they begin."""
        found: dict[int, Number] = {}
        text = _Text(words, arcs)
        at = 0
        while at < len(words):
            number = self._calculated(text, at) if self._may_begin(text, at) else None
            if number is not None:
                found[at] = number
            at = number.end if number else at + 1
        return found

    def _may_begin(self, text: "_Text", at: int) -> bool:
        """Whether it is worth while to look closer: at most words of a text it is not."""
        words, known = text.words, text.arcs[at]
        # As in `l5`, a number may begin with a letter.
        if words[at].is_digits or (at + 1 < len(words) and words[at + 1].is_digits):
            return True
        return bool(known) and any(
            word in self._values or word in self._factors for _, word in known
        )

    def _calculated(self, text: "_Text", start: int) -> Number | None:
        """The number that begins at a word, with all that is done to it."""
        factor_end, factor = self._factor(text, start)
        number = self._spelled(text, factor_end)
        if number is None:
            return None
        end, value = number.end, int(number.value * factor)
        is_reckoned = factor_end > start
        while (further := self._operation(text, end)) is not None:
            operator, operand = further
            is_spelled = text.words[end].text in self._spelled_operators
            is_reckoned = is_reckoned or (is_spelled and operator != _RANGE)
            end, value = operand.end, _calculate(value, operator, operand.value)
        return Number(end, value, number.languages, is_reckoned)

    def _factor(self, text: "_Text", start: int) -> tuple[int, float]:
        for end, word in text.known(start):
            if word in self._factors:
                return self._after_connector(text, end), self._factors[word]
        return start, 1.0

    def _operation(self, text: "_Text", at: int) -> tuple[str, Number] | None:
        """An operator behind a number, and the number it is applied to."""
        if at >= len(text.words):
            return None
        # From left to right, whatever the brackets: (40/2)-3 is as good as 40/2-3.
        sign = _SIGNS.get(text.words[at].gap.strip(" ()[]"))
        if sign and (operand := self._spelled(text, at)):
            return sign, operand
        for end, word in text.known(at):
            operator = self._operators.get(word)
            if operator and (operand := self._spelled(text, end)):
                return operator, operand
        return None

    def _spelled(self, text: "_Text", start: int) -> Number | None:
        """`22`, `twenty two`, `treinta y dos`, `one five`: a number without any operator."""
        number = self._atom(text, start)
        if number is None:
            return None
        for following in (number.end, self._after_connector(text, number.end)):
            second = self._atom(text, following)
            if second is not None and _belongs_to(number, second, at_once=following == number.end):
                ones = max(number.value, _OF_TEN)
                return Number(second.end, ones + second.value, number.languages)
        return number

    def _atom(self, text: "_Text", start: int) -> Number | None:
        digits = _digits(text.words, start)
        if digits is not None:
            return digits
        spelled = [(end, word) for end, word in text.known(start) if word in self._values]
        if not spelled:
            return None
        end, word = max(spelled)
        return Number(end, self._values[word], self._languages[word])

    def _after_connector(self, text: "_Text", at: int) -> int:
        return next((end for end, word in text.known(at) if word in self._connectors), at)


@dataclass(frozen=True, slots=True)
class _Text:
    words: Sequence[Word]
    arcs: Arcs

    def known(self, at: int) -> Sequence[tuple[int, int]]:
        return self.arcs[at] if at < len(self.arcs) else ()


def _belongs_to(number: Number, second: Number, *, at_once: bool) -> bool:
    if number.value == 1:
        return at_once and second.value < _OF_TEN
    tens = 20 <= number.value < 100 and number.value % _OF_TEN == 0
    return tens and bool(number.languages) and 0 < second.value < 20


def _calculate(value: int, operator: str, operand: int) -> int:
    """The result; where a sign only joins two numbers (16-18, 16/17), the smaller one."""
    smaller = min(value, operand)
    match operator:
        case "+":
            found = value + operand
        case "*":
            found = value * operand
        case "^":
            found = int(value ** min(operand, 4))
        case "-":
            found = value - operand if value >= operand else smaller
        case "/" if operand == _OF_TEN and value <= _OF_TEN:
            found = LARGEST  # a mark out of ten
        case "/":
            found = value // operand if operand and value % operand == 0 else smaller
        case _:
            found = smaller
    return min(found, LARGEST)


def _digits(words: Sequence[Word], at: int) -> Number | None:
    """A number in digits: `15`, `1,500`, `15.5` (its whole part), `l5`, `1 5`."""
    if at >= len(words):
        return None
    for read in (_of_another_base, _disguised):
        if (number := read(words, at)) is not None:
            return number
    if not words[at].is_digits:
        return None
    text, end = words[at].text, at + 1
    while end < len(words) and words[end].is_digits:
        gap, following = words[end].gap, words[end].text
        if (gap == "," and len(following) == 3) or (
            gap == " " and len(text) == len(following) == 1
        ):
            text += following
        elif gap not in {".", ","}:
            break
        end += 1
    return Number(end, _value(text), frozenset())


def _of_another_base(words: Sequence[Word], at: int) -> Number | None:
    """`0x10` and `0b10000` are both sixteen."""
    if words[at].text != "0":
        return None
    end = at + 1
    while end < min(len(words), at + _MOST_PIECES) and not words[end].gap:
        end += 1
    read = "".join(word.text for word in words[at:end])
    if not _ANOTHER_BASE.fullmatch(read):
        return None
    return Number(end, min(int(read, 0), LARGEST), frozenset())


def _disguised(words: Sequence[Word], at: int) -> Number | None:
    """Two digits, one of them written as the letter that it resembles."""
    pair = words[at : at + 2]
    touch = len(pair) == 2 and not pair[1].gap and pair[0].is_digits != pair[1].is_digits
    if not touch or (at + 2 < len(words) and not words[at + 2].gap):
        return None
    read = "".join(_DIGITS_IN_DISGUISE.get(word.text, word.text) for word in pair)
    return Number(at + 2, int(read), frozenset()) if _TWO_DIGITS.fullmatch(read) else None


def _value(digits: str) -> int:
    return int(digits) if len(digits) <= len(str(LARGEST)) else LARGEST
