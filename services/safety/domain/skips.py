"""Which pieces may go unjudged: of an everyday template and for the public tier, no others."""

import hashlib
from dataclasses import dataclass

from shared.content import Brief, Tier


@dataclass(frozen=True, slots=True)
class Skips:
    """What an operator has turned off. Words and takedowns are looked at all the same."""

    enabled: bool = True
    categories: frozenset[str] = frozenset()
    """Of templates."""
    sample_rate: float = 1.0
    """The share of pieces that is judged, 0 to 1."""

    def reason(self, brief: Brief, piece_id: str) -> str | None:
        """Which switch lets this piece go unjudged; None if it has to be judged.

        The same at every delivery: chance plays no part in it.
        """
        if brief.template_id is None or brief.tier is not Tier.CAPA1:
            return None
        if not brief.safety_check:
            return "the order says safety_check=false"
        if not self.enabled:
            return "SAFETY_CHECK_ENABLED=false"
        if brief.category is not None and brief.category.casefold() in self.categories:
            return f"SKIP_SAFETY_CHECK_CATEGORIES has {brief.category}"
        if drawn(piece_id) >= self.sample_rate:
            return f"SAFETY_CHECK_SAMPLE_RATE={self.sample_rate:g} left it out"
        return None


def drawn(piece_id: str) -> float:
    """A number from 0 up to, not including, 1: evenly spread over pieces, fixed for each."""
    digest = hashlib.sha256(piece_id.encode()).digest()
    # 53 bits are what a float holds exactly: with 64 the largest would round to 1.
    return (int.from_bytes(digest[:8]) >> 11) / 2**53
