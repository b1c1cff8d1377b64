"""Judge a captioned image."""

from dataclasses import dataclass

from services.safety.domain.verdicts import blocked, verdict
from services.safety.handler.screening import ScreenText, texts_of
from services.safety.ports import Judge
from shared.blobs import BlobMissing, BlobStore
from shared.calls import ScreenTexts
from shared.content import Decision, Verdict
from shared.events import ContentHalted, ContentHooked, ContentModerated
from shared.outcomes import GiveUp

STAGE = "content-moderated"


@dataclass(frozen=True, slots=True)
class ModerateContent:
    """Looks at the words, and at the very bytes that will be delivered; names their hash.

    The words come first, and nothing that is configured skips them. Without a judge, and where
    the judge has nothing to say, the piece waits for review.
    """

    judge: Judge | None
    staging: BlobStore
    texts: ScreenText

    async def __call__(self, event: ContentHooked) -> ContentModerated | ContentHalted:
        block = await self._block(event)
        if block is not None:
            return _refused(event, block)
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
            return _refused(event, found)
        return ContentModerated.following(event, verdict=found)

    async def _block(self, event: ContentHooked) -> Verdict | None:
        request = ScreenTexts(
            tenant=event.tenant,
            texts=tuple(texts_of(event.brief, event.captions)),
            consented_name=event.brief.likeness_name,
        )
        screened = await self.texts(request)
        if not screened.findings:
            return None
        first = screened.findings[0]
        return blocked(
            first.category.value,
            first.reason,
            tier=event.brief.tier,
            image_sha256=event.image.sha256,
            policy_version=screened.policy_version,
        )


def _refused(event: ContentHooked, found: Verdict) -> ContentHalted:
    return ContentHalted.following(
        event, stage=STAGE, reason="moderation_rejected", detail=found.reason, verdict=found
    )
