"""Cut a text into words, and find the one spelling behind stretched, split or numbered letters."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from services.safety.domain.normalise import cased

# Chinese and Japanese do without spaces: there, every character is a word of its own.
_UNSPACED = "\u2e80-\u2fff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = re.compile(rf"[0-9]+|[{_UNSPACED}]|[^\x00-\x60\x7b-\x7f{_UNSPACED}]+")
_UNSPACED_CHARACTER = re.compile(rf"[{_UNSPACED}]")
_REPEATED = re.compile(r"(.)\1+", re.DOTALL)
_SIGN_INSIDE = re.compile(r"[@$!|+](?=[a-z0-9])")

_SIGNS_AS_LETTERS = str.maketrans("@$!|+", "asiit")
# l, I and 1 are told apart by nobody; neither is 0 from O, nor the usual digits from letters.
_SKELETON = str.maketrans("l0123456789", "ioizeasgtbg")
_LONGEST_REMEMBERED = 40


@dataclass(slots=True)
class Word:
    """A word, or the digits of a number, as it stands in a text."""

    text: str
    shown: str
    gap: str
    """What stands between it and the word before; empty when they touch."""
    is_digits: bool
    skeleton: str
    key: str
    """The skeleton, each letter once where it is repeated: equal for all stretched spellings."""

    @property
    def stands_alone(self) -> bool:
        """Whether it needs no space around it."""
        return _UNSPACED_CHARACTER.match(self.text) is not None


def read(text: str) -> list[Word]:
    """The words of a text. Signs inside words separate them: t.e.e.n is four words."""
    return _cut(cased(text))


def other_readings(text: str) -> Iterator[list[Word]]:
    """The words with signs as letters (k!d), and with ñ for an n in disguise, if there are any."""
    shown = cased(text)
    small = shown.lower()
    if _SIGN_INSIDE.search(small):
        yield _cut(shown.translate(_SIGNS_AS_LETTERS))
    if "ñ" in small:
        yield _cut(shown.replace("ñ", "n").replace("Ñ", "N"))


def spelling(text: str) -> tuple[str, str]:
    """Skeleton and key of a normalised word."""
    return _remembered(text) if len(text) <= _LONGEST_REMEMBERED else _spelling(text)


def _spelling(text: str) -> tuple[str, str]:
    skeleton = text.translate(_SKELETON)
    return skeleton, _REPEATED.sub(r"\1", skeleton)


_remembered = lru_cache(maxsize=16_384)(_spelling)


def _cut(shown: str) -> list[Word]:
    small = shown.lower()
    words = []
    at = 0
    for found in _WORD.finditer(small):
        start, end = found.span()
        text = found.group()
        words.append(
            Word(text, shown[start:end], small[at:start], text.isdecimal(), *spelling(text))
        )
        at = end
    return words
