"""Put prompts together: the avatar's words first, then the template's or the client's."""

from collections.abc import Iterator
from itertools import chain


def compose(*, trigger_word: str, base_prompt: str, text: str) -> str:
    """`{trigger_word}, {base_prompt} {text}` on one line; the base prompt may be empty."""
    return _one_line(f"{trigger_word}, {base_prompt} {text}")


def trigger_word_for(avatar_id: str, own: str | None) -> str:
    """The word that calls up the avatar's weights: its own, or `TOK_{avatar_id}`."""
    return _one_line(own or "") or f"TOK_{avatar_id}"


def negative(avatar_negative: str, template_negative: str) -> str:
    """Both lists of things to avoid as one, each term once, in the order first named."""
    first_spelling: dict[str, str] = {}
    for term in chain(_terms(avatar_negative), _terms(template_negative)):
        first_spelling.setdefault(term.casefold(), term)
    return ", ".join(first_spelling.values())


def _terms(text: str) -> Iterator[str]:
    """The comma-separated terms; a weighted group such as `(blurry, grainy:1.2)` is one term."""
    depth = start = 0
    for position, character in enumerate(f"{text},"):
        depth = max(0, depth + (character == "(") - (character == ")"))
        at_the_end = position == len(text)
        if character == "," and (depth == 0 or at_the_end):
            if term := _one_line(text[start:position]):
                yield term
            start = position + 1


def _one_line(text: str) -> str:
    return " ".join(text.split())
