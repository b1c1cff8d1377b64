"""Where somebody's name stands in a text."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.safety.domain.words import Word, read

_LONGEST_NAME = 4
_PARTICLES = frozenset(
    {"al", "bin", "da", "de", "del", "der", "di", "dos", "el", "la", "van", "von"}
)
_INSIDE_A_NAME = frozenset({"", " ", "-", ". "})
_MOSTLY = 0.5


@dataclass(frozen=True, slots=True)
class NameReader:
    """Tells names of people from other words, by capitals and by known given names."""

    given_names: frozenset[str]
    not_names: frozenset[str]

    def end_of_name(self, words: Sequence[Word], start: int, *, capitals_tell: bool) -> int | None:
        """The end of a given name and a surname that begin at a word, if they do."""
        if start + 1 >= len(words) or words[start].text in self.not_names:
            return None
        known = words[start].text in self.given_names
        if not known and not capitals_tell:
            return None
        end = self._end_of_capitals(words, start)
        if end - start >= 2:
            return end
        return self._next_word_is_a_surname(words, start) if known else None

    def end_of_proper(
        self, words: Sequence[Word], start: int, *, capitals_tell: bool
    ) -> int | None:
        """The end of a word that only a name would have a capital for, if it begins there."""
        if start >= len(words) or not capitals_tell or words[start].text in self.not_names:
            return None
        return start + 1 if _has_capital(words[start]) else None

    def stands_at(self, name: Sequence[str], words: Sequence[Word], start: int) -> bool:
        """Whether exactly this name begins at a word, and not a longer one."""
        end = start + len(name)
        if not name or [word.text for word in words[start:end]] != list(name):
            return False
        if end >= len(words) or words[end].gap not in _INSIDE_A_NAME:
            return True
        return words[end].text in self.not_names or not _has_capital(words[end])

    def holds(self, name: Sequence[str], words: Sequence[Word], start: int, end: int) -> bool:
        """Whether words from `start` up to `end` are part of exactly this name."""
        earliest = max(0, end - len(name))
        return any(self.stands_at(name, words, at) for at in range(earliest, start + 1))

    def capitals_tell(self, words: Sequence[Word]) -> bool:
        """Whether capitals mean anything in this text: not where most words have one."""
        capitals = sum(_has_capital(word) for word in words if not word.is_digits)
        return capitals <= max(_LONGEST_NAME, len(words) * _MOSTLY)

    def _end_of_capitals(self, words: Sequence[Word], start: int) -> int:
        end = at = start
        while at < min(len(words), start + _LONGEST_NAME) and self._goes_on(words, at, start):
            at += 1
            if words[at - 1].text not in _PARTICLES:
                end = at
        return end

    def _goes_on(self, words: Sequence[Word], at: int, start: int) -> bool:
        word = words[at]
        if at > start and word.gap not in _INSIDE_A_NAME:
            return False
        if word.text in self.not_names:
            return False
        if at == start:
            # What begins with a number is a measure: 50mm, 25yo.
            return _has_capital(word) or not (word.gap or word.is_digits)
        return _has_capital(word) or not word.gap or word.text in _PARTICLES

    def _next_word_is_a_surname(self, words: Sequence[Word], start: int) -> int | None:
        surname = words[start + 1]
        fits = surname.gap in _INSIDE_A_NAME and len(surname.text) > 2 and not surname.is_digits
        return start + 2 if fits and surname.text not in self.not_names else None


def name_words(name: str | None) -> tuple[str, ...]:
    """A name word by word, in the one spelling in which it is looked for."""
    return tuple(word.text for word in read(name or ""))


def _has_capital(word: Word) -> bool:
    return word.shown[:1].isupper()
