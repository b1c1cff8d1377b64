"""Judge a captioned image."""

from dataclasses import dataclass

from services.safety.domain.skips import Skips
from services.safety.domain.submission import Submission
from services.safety.domain.verdicts import Matter
from services.safety.handler.panel import Panel
from services.safety.handler.screening import ScreenText
from services.safety.handler.words import Words, read_words
from services.safety.ports import Prints, Takedowns
from shared.beside import beside
from shared.blobs import BlobMissing, BlobStore
from shared.calls import Finding
from shared.content import Decision, ImagePrint, Verdict
from shared.events import ContentHalted, ContentHooked, ContentModerated
from shared.outcomes import GiveUp, TryLater
from shared.signing import VerdictSigner

STAGE = "content-moderated"

Moderated = ContentModerated | ContentHalted


class JudgeAway(TryLater):
    """A judge is away. `instead` is what to write once nobody shall wait any longer."""

    def __init__(self, wish: TryLater, instead: Moderated) -> None:
        super().__init__(wish.detail, after=wish.after_s)
        self.instead = instead


@dataclass(frozen=True, slots=True)
class ModerateContent:
    """Looks at the words, and at the very bytes that will be delivered; signs what it found.

    Words and takedowns come first, and nothing that is configured skips them. What no judge can
    score waits for a person; while a judge is away the piece waits for the judge, `wait_s` at most.
    """

    panel: Panel
    staging: BlobStore
    texts: ScreenText
    prints: Prints
    takedowns: Takedowns
    skips: Skips
    signer: VerdictSigner
    wait_s: float

    async def __call__(self, event: ContentHooked) -> Moderated:
        # What others have to look up takes its time and costs nothing: words are read meanwhile.
        # Nothing is said before all of it is known, and no judge is asked.
        async with (
            beside(self.takedowns.are_any(event.tenant, event.image.sha256)) as are_takedowns,
            beside(self._image(event)) as fetched,
        ):
            words = await read_words(self.texts, event.tenant, event.brief, event.captions)
            if words.finding is not None:
                return self._blocked(event, words, words.finding)
            image = await fetched
            matter = _matter(event, words, await self.prints.of(image))
            like = await self._like(event, matter) if await are_takedowns else None
        if like is not None:
            verdict = matter.taken_down(like, words.report)
            return self._written(event, verdict, reason="image_taken_down")
        return await self._looked_at(event, words, matter, image)

    async def waited_long(
        self, event: ContentHooked, waited_s: float, wish: TryLater
    ) -> Moderated | None:
        """The end of waiting for a judge: a person looks. Other waits are not ended here."""
        del event
        if isinstance(wish, JudgeAway) and waited_s >= self.wait_s:
            return wish.instead
        return None

    async def _image(self, event: ContentHooked) -> bytes:
        try:
            return await self.staging.get(event.image)
        except BlobMissing as exc:
            raise GiveUp("image_lost", "the image is no longer in staging") from exc

    async def _like(self, event: ContentHooked, matter: Matter) -> str | None:
        return await self.takedowns.like(event.tenant, event.image.sha256, matter.image_print)

    async def _looked_at(
        self, event: ContentHooked, words: Words, matter: Matter, image: bytes
    ) -> Moderated:
        why = self.skips.reason(event.brief, event.piece_id)
        # A template is ours, what stands around it is the client's: charged words are looked at.
        if why is not None and not words.has_context:
            return self._written(event, matter.skipped(why, words.report))
        hearing = await self.panel.rule(_submission(event, image), event.brief.tier)
        written = self._written(event, matter.ruled(hearing.ruling, words.report))
        if hearing.is_final:
            return written
        raise JudgeAway(hearing.wish, written)

    def _blocked(self, event: ContentHooked, words: Words, block: Finding) -> Moderated:
        verdict = _matter(event, words).blocked_words(
            block.category, block.reason, words.on, words.report
        )
        return self._written(event, verdict)

    def _written(
        self, event: ContentHooked, verdict: Verdict, *, reason: str = "moderation_rejected"
    ) -> Moderated:
        signed = self.signer.sign(event, verdict)
        if signed.decision is not Decision.REJECTED:
            return ContentModerated.following(event, verdict=signed)
        return ContentHalted.following(
            event, stage=STAGE, reason=reason, detail=signed.reason[:500], verdict=signed
        )


def _matter(event: ContentHooked, words: Words, image_print: ImagePrint | None = None) -> Matter:
    return Matter(
        image_sha256=event.image.sha256,
        tier=event.brief.tier,
        policy_version=words.policy_version,
        image_print=image_print,
    )


def _submission(event: ContentHooked, image: bytes) -> Submission:
    return Submission(
        prompt=event.brief.prompt,
        captions=event.captions.hooks,
        image=image,
        media_type=event.image.media_type,
        drawn=event.generation.preview,
    )
