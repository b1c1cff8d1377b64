"""What the hooks service needs from outside."""

from collections.abc import Sequence
from typing import Protocol

from shared.content import Brief


class Copywriter(Protocol):
    """Somebody who can write captions for a piece."""

    async def draft(self, brief: Brief, piece_id: str, *, count: int) -> Sequence[str]:
        """Up to `count` drafts, best first; the same piece always gets the same ones or better."""
        ...
