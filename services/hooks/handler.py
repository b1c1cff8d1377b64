"""Write hooks for a generated image."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.hooks.domain import PlatformLimits, pick_hooks
from services.hooks.ports import Copywriter
from shared.content import Captions, CaptionSource, Platform
from shared.events import ContentHooked, ImageGenerated
from shared.outcomes import GiveUp


@dataclass(frozen=True, slots=True)
class WriteHooks:
    """Five captions a piece, unless the order or the installation turned them off."""

    copywriter: Copywriter
    limits: Mapping[Platform, PlatformLimits]
    enabled: bool = True
    keep: int = 5
    spare: int = 3  # drafts we expect to lose to length and repetition

    async def __call__(self, event: ImageGenerated) -> ContentHooked:
        if not (self.enabled and event.brief.include_hooks):
            skipped = Captions(source=CaptionSource.SKIPPED)
            return ContentHooked.following(event, captions=skipped)
        drafts = await self.copywriter.draft(
            event.brief, event.piece_id, count=self.keep + self.spare
        )
        hooks = pick_hooks(drafts, keep=self.keep, limits=self.limits[event.brief.platform])
        if not hooks:
            raise GiveUp("no_captions", f"no usable hook among {len(drafts)} drafts")
        written = Captions(source=CaptionSource.TEMPLATE, hooks=hooks)
        return ContentHooked.following(event, captions=written)
