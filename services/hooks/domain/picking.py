"""Which drafts become captions."""

import re
from collections.abc import Iterable

from services.hooks.domain.limits import PlatformLimits, without_hashtags


def pick_hooks(drafts: Iterable[str], *, keep: int, limits: PlatformLimits) -> tuple[str, ...]:
    """Keep the first distinct drafts that fit.

    Blank drafts never fit; drafts that differ only in case, spacing or hashtags are the same.
    """
    distinct: dict[str, str] = {}
    for draft in drafts:
        if len(distinct) == keep:
            break
        caption = tidy(draft)
        if caption and limits.admit(caption):
            distinct.setdefault(wording(caption), caption)
    return tuple(distinct.values())


def tidy(caption: str) -> str:
    """The caption without stray spaces; paragraphs stay apart by one empty line."""
    lines = (" ".join(line.split()) for line in caption.strip().splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines))


def wording(caption: str) -> str:
    """What is the same for captions that say the same."""
    words = " ".join(without_hashtags(caption).casefold().split())
    return words or caption.casefold()
