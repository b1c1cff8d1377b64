"""Sign what people have approved, unless nobody may approve it."""

from dataclasses import dataclass

from services.safety.domain.moderation import ModerationPolicy
from services.safety.domain.verdicts import Matter
from services.safety.handler.screening import ScreenText
from services.safety.handler.words import Words, read_words
from services.safety.ports import Takedowns
from shared.calls import REVIEWED_RATINGS
from shared.content import BlobRef, Verdict
from shared.events import ContentHalted, ContentModerated, ReviewApproved
from shared.outcomes import GiveUp
from shared.signing import VerdictSigner

STAGE = "review-moderated"
IN_REVIEW = "review:"
"""Before the key of bytes that are held in the private review store."""


@dataclass(frozen=True, slots=True)
class SignApproval:
    """The verdict of people, about the bytes that are held.

    Words are read and takedowns are asked about again: since the piece was held, the policy may
    have changed, and its like may have been taken down.
    """

    policy: ModerationPolicy
    texts: ScreenText
    takedowns: Takedowns
    signer: VerdictSigner

    async def __call__(self, event: ReviewApproved) -> ContentModerated | ContentHalted:
        words = await read_words(self.texts, event.tenant, event.brief, event.captions)
        matter = _matter(event, words)
        if event.verdict.blocked is not None:
            return self._halted(event, matter.never_approved(event.verdict, words.report))
        if (block := words.finding) is not None:
            blocked = matter.blocked_words(block.category, block.reason, words.on, words.report)
            return self._halted(event, blocked)
        _check_the_decision(event)
        like = await self.takedowns.like(
            event.tenant, event.delivery.source_sha256, event.verdict.image_print
        )
        if like is not None:
            taken_down = matter.taken_down(like, words.report)
            return self._halted(event, taken_down, reason="image_taken_down")
        grade = self.policy.of_rating(event.rating)
        approved = matter.approved(event.verdict, grade, event.reviewers, words.report)
        return ContentModerated.following(
            event, image=_held(event), verdict=self.signer.sign(event, approved)
        )

    def _halted(
        self, event: ReviewApproved, verdict: Verdict, *, reason: str = "moderation_rejected"
    ) -> ContentHalted:
        signed = self.signer.sign(event, verdict)
        return ContentHalted.following(
            event, stage=STAGE, reason=reason, detail=signed.reason[:500], verdict=signed
        )


def _check_the_decision(event: ReviewApproved) -> None:
    if event.rating not in REVIEWED_RATINGS:
        raise GiveUp("not_allowed", f"no approved piece is rated {event.rating.value}")
    if len(set(event.reviewers)) < event.verdict.approvals_needed:
        raise GiveUp("not_allowed", f"{event.verdict.approvals_needed} people have to agree")
    if event.verdict.image_sha256 != event.delivery.source_sha256:
        raise GiveUp("verdict_mismatch", "people decided about other bytes than those held")


def _matter(event: ReviewApproved, words: Words) -> Matter:
    return Matter(
        image_sha256=event.delivery.source_sha256,
        tier=event.brief.tier,
        policy_version=words.policy_version,
        image_print=event.verdict.image_print,
    )


def _held(event: ReviewApproved) -> BlobRef:
    held = event.delivery
    return BlobRef(
        uri=f"{IN_REVIEW}{held.object_key}",
        sha256=held.source_sha256,
        size=held.size,
        media_type=held.media_type,
    )
