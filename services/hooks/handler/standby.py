"""Written captions: always there, and marked where a model's were wanted."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.hooks.domain.failures import InsteadOf
from services.hooks.domain.limits import PlatformLimits
from services.hooks.domain.picking import pick_hooks
from services.hooks.ports import Copywriter
from shared.content import Brief, Captions, CaptionSource, Platform
from shared.outcomes import GiveUp


@dataclass(frozen=True, slots=True)
class Standby:
    """`keep` captions a piece. Raises GiveUp where no draft fits the platform."""

    copywriter: Copywriter
    limits: Mapping[Platform, PlatformLimits]
    keep: int = 5
    spare: int = 3  # drafts we expect to lose to length and repetition

    async def __call__(
        self, brief: Brief, piece_id: str, *, instead_of: InsteadOf = ""
    ) -> Captions:
        drafts = await self.copywriter.draft(brief, piece_id, count=self.keep + self.spare)
        hooks = pick_hooks(drafts, keep=self.keep, limits=self.limits[brief.platform])
        if not hooks:
            raise GiveUp("no_captions", f"no usable hook among {len(drafts)} drafts")
        return Captions(source=CaptionSource.TEMPLATE, hooks=hooks, instead_of=instead_of)
