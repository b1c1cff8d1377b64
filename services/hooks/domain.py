"""Decide about captions: which drafts a platform takes, and which written lines a piece gets."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from string import Formatter

_HASHTAG = re.compile(r"#\w+")
_DOUBLE_WIDTH = re.compile(r"[^\u0000-\u10ff]")


@dataclass(frozen=True, slots=True)
class PlatformLimits:
    """How much a platform takes in one caption: characters, and hashtags among them."""

    max_chars: int
    max_hashtags: int

    def admit(self, caption: str) -> bool:
        """Whether the caption may be posted as it is."""
        hashtags = len(_HASHTAG.findall(caption))
        return caption_length(caption) <= self.max_chars and hashtags <= self.max_hashtags


def pick_hooks(drafts: Iterable[str], *, keep: int, limits: PlatformLimits) -> tuple[str, ...]:
    """Keep the first distinct drafts that fit.

    Blank drafts never fit; drafts that differ only in case, spacing or hashtags are the same.
    """
    distinct: dict[str, str] = {}
    for draft in drafts:
        caption = tidy(draft)
        if caption and limits.admit(caption):
            distinct.setdefault(_wording(caption), caption)
    return tuple(distinct.values())[:keep]


def caption_length(caption: str) -> int:
    """Characters as X counts them, emoji and most symbols double; no platform counts more."""
    return len(caption) + len(_DOUBLE_WIDTH.findall(caption))


def tidy(caption: str) -> str:
    """The caption without stray spaces; paragraphs stay apart by one empty line."""
    lines = (" ".join(line.split()) for line in caption.strip().splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines))


def placeholders(line: str) -> frozenset[str]:
    """The names in braces that the line needs words for."""
    return frozenset(name for _, name, _, _ in Formatter().parse(line) if name is not None)


def fill(line: str, words: Mapping[str, str]) -> str | None:
    """The line with its placeholders replaced, or None when the word for one is missing."""
    if any(not words.get(name) for name in placeholders(line)):
        return None
    return line.format_map(words)


def draw(piece_id: str, choice: str) -> int:
    """A number that a piece always draws for the same choice, and other pieces otherwise."""
    return int.from_bytes(sha256(f"{piece_id}\x1f{choice}".encode()).digest()[:8])


def in_piece_order(lines: Iterable[str], piece_id: str) -> list[str]:
    """The lines in this piece's own order, so that a batch does not repeat one sequence."""
    return sorted(lines, key=lambda line: (draw(piece_id, line), line))


def _wording(caption: str) -> str:
    words = " ".join(_HASHTAG.sub("", caption).casefold().split())
    return words or caption.casefold()
