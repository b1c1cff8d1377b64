"""Whose captions are whose in an answer, and which of them can be used."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.hooks.domain.commission import Commission
from services.hooks.domain.picking import pick_hooks, wording
from services.hooks.domain.wording import is_plain

_RUN = 4
"""So many words in a row are a quotation."""

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Item:
    """What a model says under one id."""

    key: str
    captions: tuple[str, ...]


def sort_out(
    items: Sequence[Item], commission: Commission, *, least: int
) -> dict[str, tuple[str, ...]]:
    """The usable captions of each picture that has at least `least` of them.

    An id of nobody's, or one that comes twice, counts for nothing; nor does a caption that is
    given to two pictures, or that quotes another picture's description or our instructions.
    """
    times = Counter(item.key for item in items)
    own = [item for item in items if item.key in commission.pictures and times[item.key] == 1]
    given = Counter(words for item in own for words in {wording(text) for text in item.captions})
    foreign = _foreign_to(commission)
    good: dict[str, tuple[str, ...]] = {}
    for item in own:
        usable = (
            text
            for text in item.captions
            if is_plain(text) and given[wording(text)] == 1 and not foreign[item.key] & _runs(text)
        )
        hooks = pick_hooks(usable, keep=commission.count, limits=commission.limits)
        if len(hooks) >= least:
            good[item.key] = hooks
    return good


def _foreign_to(commission: Commission) -> Mapping[str, frozenset[str]]:
    """For each picture, the runs of words that belong to somebody else."""
    runs = {key: _runs(shows) for key, shows in commission.pictures.items()}
    holders = Counter(run for each in runs.values() for run in each)
    ours = _runs(commission.instructions)
    return {
        key: frozenset(run for run in holders if run not in own) | (ours - own)
        for key, own in runs.items()
    }


def _runs(text: str) -> frozenset[str]:
    words = _WORD.findall(text.casefold())
    return frozenset(" ".join(part) for part in _windows(words))


def _windows(words: Sequence[str]) -> Iterable[Sequence[str]]:
    return (words[start : start + _RUN] for start in range(len(words) - _RUN + 1))
