"""Judge a captioned image."""

from dataclasses import dataclass

from services.safety.domain import verdict
from services.safety.ports import Judge
from shared.blobs import BlobMissing, BlobStore
from shared.content import Decision
from shared.events import ContentHalted, ContentHooked, ContentModerated
from shared.outcomes import GiveUp


@dataclass(frozen=True, slots=True)
class ModerateContent:
    """Looks at the very bytes that will be delivered, and names their hash in the verdict.

    Without a judge, and where the judge has nothing to say, the piece waits for review.
    """

    judge: Judge | None
    staging: BlobStore

    async def __call__(self, event: ContentHooked) -> ContentModerated | ContentHalted:
        try:
            image = await self.staging.get(event.image)
        except BlobMissing as exc:
            raise GiveUp("image_lost", "the image is no longer in staging") from exc
        judgement = None if self.judge is None else await self.judge.judge(event, image)
        found = verdict(
            judgement,
            judge="none" if self.judge is None else self.judge.name,
            tier=event.brief.tier,
            image_sha256=event.image.sha256,
        )
        if found.decision is Decision.REJECTED:
            return ContentHalted.following(
                event,
                stage="content-moderated",
                reason="moderation_rejected",
                detail=found.reason,
                verdict=found,
            )
        return ContentModerated.following(event, verdict=found)
