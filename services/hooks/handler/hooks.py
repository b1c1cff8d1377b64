"""Write hooks for a generated image."""

import random
from dataclasses import dataclass

import structlog

from services.hooks.domain.failures import InsteadOf
from services.hooks.handler.desk import Desk
from services.hooks.handler.jobs import Unwritten
from services.hooks.handler.standby import Standby
from shared.content import Captions, CaptionSource
from shared.events import ContentHooked, ImageGenerated
from shared.outcomes import TryLater

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WriteHooks:
    """Five captions a piece, unless the order or the installation turned them off.

    `desk` has a model write them; without one, or where none does, written captions do.
    `patience_s`: how long a piece waits for whoever is away before they do.
    """

    standby: Standby
    desk: Desk | None = None
    enabled: bool = True
    patience_s: float = 60.0

    async def __call__(self, event: ImageGenerated) -> ContentHooked:
        if not (self.enabled and event.brief.include_hooks):
            skipped = Captions(source=CaptionSource.SKIPPED)
            return ContentHooked.following(event, captions=skipped)
        if self.desk is None:
            written = await self.standby(event.brief, event.piece_id)
        else:
            written = await self._by_model(event, self.desk)
        return ContentHooked.following(event, captions=written)

    async def _by_model(self, event: ImageGenerated, desk: Desk) -> Captions:
        match await desk(event):
            case Captions() as written:
                return written
            case Unwritten(instead_of, wait_s=None):
                return await self._instead(event, instead_of)
            case Unwritten(wait_s=float(wait_s)):
                # Spread: they do not come back all at once.
                jitter = random.random()  # noqa: S311 - guards nothing
                raise TryLater("the copywriters are busy", after=wait_s * (1 + jitter / 4))
            case Exception() as exc:
                raise exc
        raise AssertionError("unreachable")

    async def waited_long(
        self, event: ImageGenerated, waited_s: float, wish: TryLater
    ) -> ContentHooked | None:
        """Written captions for a piece that has waited for its patience. None: wait on."""
        if waited_s < self.patience_s:
            return None
        log.warning("captions.waited_long", piece_id=event.piece_id, wish=wish.detail)
        instead = await self._instead(event, "unavailable")
        return ContentHooked.following(event, captions=instead)

    async def _instead(self, event: ImageGenerated, instead_of: InsteadOf) -> Captions:
        return await self.standby(event.brief, event.piece_id, instead_of=instead_of)
