"""What moderation needs from the outside."""

from typing import Protocol

from services.safety.domain.verdicts import Judgement
from shared.events import ContentHooked


class Judge(Protocol):
    """Somebody who can tell how explicit a piece is."""

    @property
    def name(self) -> str:
        """As in settings and verdicts."""
        ...

    async def judge(self, event: ContentHooked, image: bytes) -> Judgement | None:
        """A judgement of these bytes, or None when this judge cannot judge such a piece.

        Raises TryLater when the judge cannot be reached.
        """
        ...
