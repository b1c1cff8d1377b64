"""The words that the policy knows, found in a text however they are stretched, split or joined."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from services.safety.domain.normalise import normalise
from services.safety.domain.policy import PolicyError
from services.safety.domain.words import Word, read, spelling

MOST_PIECES = 24
"""A known word is looked for in at most so many pieces; bounds the work on hostile text."""

Arcs = Sequence[Sequence[tuple[int, int]]]
"""For each word of a text: index after the last piece, and id, of each known word that begins."""

_SWAPS = (("m", "rn"), ("w", "vv"))


@dataclass(frozen=True, slots=True)
class _Entry:
    id: int
    runs: tuple[int, ...] | None
    """How often each letter must be there at least; None where once is enough."""


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
        return [
            self._beginning_at(start, words) if word.key[0] in self._beginnings else ()
            for start, word in enumerate(words)
        ]

    def _beginning_at(self, start: int, words: Sequence[Word]) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        key = ""
        known: list[_Entry] = []
        numbers: list[int] = []
        are_digits = True
        for end in range(start + 1, min(len(words), start + MOST_PIECES) + 1):
            piece = words[end - 1]
            are_digits = are_digits and piece.is_digits
            longer = _joined(key, piece.key)
            if longer != key:
                key, known, numbers = longer, self._known(longer), []
            # What stretches a word by one more letter takes nothing from it.
            if len(numbers) < len(known):
                numbers = _verified(known, words[start:end])
            if numbers and not are_digits and not self._is_coincidence(words[start:end]):
                found += [(end, number) for number in numbers]
            if key not in self._beginnings:
                break
        return found

    def _known(self, key: str) -> list[_Entry]:
        known = self._whole.get(key, [])
        if key[0] not in self._stem_initials:
            return known
        stems = (self._stems.get(key[:length], []) for length in self._stem_lengths)
        return known + [entry for entries in stems for entry in entries]

    def _is_coincidence(self, pieces: Sequence[Word]) -> bool:
        """Whether these are words that only happen to spell another one."""
        if not 1 < len(pieces) <= self._longest_never_joined:
            return False
        return tuple(piece.text for piece in pieces) in self._never_joined


def _joined(key: str, further: str) -> str:
    return key + (further[1:] if key and key[-1] == further[0] else further)


def _verified(known: list[_Entry], pieces: Sequence[Word]) -> list[int]:
    if all(entry.runs is None for entry in known):
        return [entry.id for entry in known]
    runs = _runs("".join(piece.skeleton for piece in pieces))
    return [
        entry.id
        for entry in known
        if entry.runs is None
        or all(have >= need for have, need in zip(runs, entry.runs, strict=False))
    ]


def _runs(skeleton: str) -> tuple[int, ...]:
    return tuple(sum(1 for _ in run) for _, run in groupby(skeleton))
