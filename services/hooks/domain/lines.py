"""Written lines: filled with words, and put in an order of each piece's own."""

from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import sha256
from string import Formatter


@cache
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
