"""The words that the policy knows, found in a text however they are stretched, split or joined."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from services.safety.domain.normalise import normalise
from services.safety.domain.policy import PolicyError
from services.safety.domain.words import Word, read, spelling

MOST_PIECES = 24
"""A known word is looked for in at most so many pieces; bounds the work on hostile text."""

Arcs = Sequence[Sequence[tuple[int, int]]]
"""For each word of a text: index after the last piece, and id, of each known word that begins."""

_SWAPS = (("m", "rn"), ("w", "vv"))
# A few megabytes at most.
_REMEMBERED_KEYS = 16_384
_LONGEST_REMEMBERED = 40


@dataclass(frozen=True, slots=True)
class _Entry:
    id: int
    runs: tuple[int, ...] | None
    """How often each letter must be there at least; None where once is enough."""


@dataclass(frozen=True, slots=True)
class _Looked:
    """What a key spells: these known words, and perhaps the beginning of longer ones."""

    entries: tuple[_Entry, ...]
    plain: tuple[int, ...] | None
    """The ids of them all, where none asks for repeated letters."""
    goes_on: bool


_NOTHING = _Looked((), (), goes_on=True)


class Lexicon:
    """Known words by id. A stem, written `stem*`, stands for every word that begins with it."""

    def __init__(
        self, attached: Mapping[str, Sequence[str]], never_joined: Iterable[Sequence[str]]
    ) -> None:
        self._attached = attached
        self._never_joined = frozenset(tuple(pieces) for pieces in never_joined)
        self._longest_never_joined = max(map(len, self._never_joined), default=0)
        self._ids: dict[tuple[str, str], int] = {}
        self._whole: dict[str, list[_Entry]] = {}
        self._stems: dict[str, list[_Entry]] = {}
        self._beginnings: set[str] = set()
        self._stem_initials: set[str] = set()
        self._stem_lengths: list[int] = []
        # Ordinary texts have few words, which come again and again.
        self._looked = lru_cache(maxsize=_REMEMBERED_KEYS)(self._look)

    def add(self, word: str, language: str = "") -> int:
        """The id of a word; particles that its language writes to its front are allowed for."""
        attached = tuple(self._attached.get(language, ()))
        spelled = "".join(piece.text for piece in read(word.removesuffix("*")))
        if not spelled:
            raise PolicyError(f"{word!r} holds no letter or digit")
        name = (spelled + "*" * word.endswith("*"), language if attached else "")
        if name in self._ids:
            return self._ids[name]
        number = self._ids[name] = len(self._ids)
        for particle in ("", *attached):
            self._learn(normalise(particle) + spelled, number, is_stem=word.endswith("*"))
        return number

    def _learn(self, spelled: str, number: int, *, is_stem: bool) -> None:
        self._looked.cache_clear()
        forms = {spelled, *(spelled.replace(letter, swap) for letter, swap in _SWAPS)}
        for skeleton, key in map(spelling, sorted(forms)):
            runs = _runs(skeleton)
            entry = _Entry(number, runs if max(runs) > 1 else None)
            (self._stems if is_stem else self._whole).setdefault(key, []).append(entry)
            self._beginnings.update(key[:length] for length in range(1, len(key) + 1))
            if is_stem:
                self._stem_initials.add(key[0])
                self._stem_lengths = sorted({*self._stem_lengths, len(key)})

    def find(self, words: Sequence[Word]) -> Arcs:
        """Every known word of the text, whole or in pieces."""
        return [self._beginning_at(start, words) for start in range(len(words))]

    def _beginning_at(self, start: int, words: Sequence[Word]) -> Sequence[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        key = ""
        looked = _NOTHING
        numbers: Sequence[int] = ()
        are_digits = True
        for end in range(start + 1, min(len(words), start + MOST_PIECES) + 1):
            piece = words[end - 1]
            are_digits = are_digits and piece.is_digits
            longer = _joined(key, piece.key)
            if longer != key:
                key, looked, numbers = longer, self._at(longer), ()
            # What stretches a word by one more letter takes nothing from it.
            if len(numbers) < len(looked.entries):
                numbers = _verified(looked, words[start:end])
            if numbers and not are_digits and not self._is_coincidence(words[start:end]):
                found += [(end, number) for number in numbers]
            if not looked.goes_on:
                break
        return found

    def _at(self, key: str) -> _Looked:
        return self._looked(key) if len(key) <= _LONGEST_REMEMBERED else self._look(key)

    def _look(self, key: str) -> _Looked:
        known = [*self._whole.get(key, ())]
        if key[0] in self._stem_initials:
            for length in self._stem_lengths:
                known += self._stems.get(key[:length], ())
        has_runs = any(entry.runs is not None for entry in known)
        plain = None if has_runs else tuple(entry.id for entry in known)
        return _Looked(tuple(known), plain, goes_on=key in self._beginnings)

    def _is_coincidence(self, pieces: Sequence[Word]) -> bool:
        """Whether these are words that only happen to spell another one."""
        if not 1 < len(pieces) <= self._longest_never_joined:
            return False
        return tuple(piece.text for piece in pieces) in self._never_joined


def _joined(key: str, further: str) -> str:
    return key + (further[1:] if key and key[-1] == further[0] else further)


def _verified(looked: _Looked, pieces: Sequence[Word]) -> Sequence[int]:
    if looked.plain is not None:
        return looked.plain
    runs = _runs("".join(piece.skeleton for piece in pieces))
    return [
        entry.id
        for entry in looked.entries
        if entry.runs is None
        or all(have >= need for have, need in zip(runs, entry.runs, strict=False))
    ]


def _runs(skeleton: str) -> tuple[int, ...]:
    return tuple(sum(1 for _ in run) for _, run in groupby(skeleton))
