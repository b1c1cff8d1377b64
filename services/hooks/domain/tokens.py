"""Tokens without a vendor's tokenizer: counted rather too many than too few."""

import re

MOST_TOKENS = 500
"""What one piece may take of a request."""

_CHARS_A_TOKEN = 3
_PART = re.compile(r"[A-Za-z]+|[0-9]+|[^\sA-Za-z0-9]")


def count_tokens(text: str) -> int:
    """A cautious estimate of what a model counts.

    Three letters or digits of a word are a token (prose has four to five), and every byte of any
    other character is one: tokenizers that go by bytes can make no more of it.
    """
    return sum(_tokens_of(part.group()) for part in _PART.finditer(text))


def truncated(text: str, most: int = MOST_TOKENS) -> str:
    """The beginning of the text that is at most so many tokens, cut between words."""
    used = 0
    for part in _PART.finditer(text):
        used += _tokens_of(part.group())
        if used > most:
            return text[: part.start()].rstrip()
    return text


def _tokens_of(part: str) -> int:
    if part.isascii() and part.isalnum():
        return -(-len(part) // _CHARS_A_TOKEN)
    return len(part.encode("utf-8", "surrogatepass"))
