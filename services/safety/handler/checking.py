"""Judge a text, an image, or both, without a piece: an answer, and no verdict."""

import asyncio
from dataclasses import dataclass

from services.safety.domain.submission import Submission
from services.safety.handler.panel import Panel
from services.safety.handler.screening import ScreenText
from services.safety.handler.words import screen_report
from services.safety.ports import Prints, Takedowns
from shared.blobs import BlobMissing, BlobStore
from shared.calls import CheckContent, ContentChecked, Screened, ScreenTexts, TextToScreen
from shared.content import BlobRef, Decision, Rating
from shared.outcomes import GiveUp, TryLater
from shared.problems import Problem


@dataclass(frozen=True, slots=True)
class CheckContents:
    """Answers within `limit_s`, or says that it cannot answer now (TryLater).

    Whoever asks gets the answer that a piece would get, and keeps nothing that could deliver one.
    """

    panel: Panel
    staging: BlobStore
    texts: ScreenText
    prints: Prints
    takedowns: Takedowns
    limit_s: float

    async def __call__(self, request: CheckContent) -> ContentChecked:
        if request.image is None and not (request.text or "").strip():
            raise Problem(422, "validation_error", "Give a text, an image, or both.", field="text")
        try:
            async with asyncio.timeout(self.limit_s):
                return await self._checked(request)
        except TimeoutError as exc:
            raise TryLater(f"no answer within {self.limit_s:g} s") from exc

    async def _checked(self, request: CheckContent) -> ContentChecked:
        screened = await self._screened(request)
        if screened.findings:
            return _refused(
                request, screened, "the text is blocked", blocked=screened.findings[0].category
            )
        image = None if request.image is None else await self._image(request.image)
        if image is not None and (like := await self._like(request, image)) is not None:
            return _refused(request, screened, f"looks the same as piece {like}, taken down")
        media_type = "image/png" if request.image is None else request.image.media_type
        # No fact claims that it was drawn, and none will be delivered: the label in it will do.
        submission = Submission(request.text or "", (), image, media_type, drawn=True)
        hearing = await self.panel.rule(submission, request.tier)
        if not hearing.is_final:
            raise hearing.wish
        found = hearing.ruling
        return ContentChecked(
            decision=found.decision,
            rating=found.rating,
            explicitness_level=found.level,
            tier=found.tier,
            reason=found.reason,
            policy_version=screened.policy_version,
            blocked=found.blocked,
            judges=(screen_report(screened), *found.judges),
            unscored=found.unscored,
        )

    async def _screened(self, request: CheckContent) -> Screened:
        text = TextToScreen(text=request.text or "", tier=request.tier)
        return await self.texts(
            ScreenTexts(tenant=request.tenant, texts=(text,), consented_name=request.consented_name)
        )

    async def _image(self, ref: BlobRef) -> bytes:
        try:
            return await self.staging.get(ref)
        except BlobMissing:
            raise Problem(404, "object_not_found", "The image is no longer there.") from None

    async def _like(self, request: CheckContent, image: bytes) -> str | None:
        assert request.image is not None  # noqa: S101 - for the type checker
        try:
            image_print = await self.prints.of(image)
        except GiveUp as exc:
            raise Problem(422, "validation_error", exc.detail, field="image") from exc
        return await self.takedowns.like(request.tenant, request.image.sha256, image_print)


def _refused(
    request: CheckContent, screened: Screened, reason: str, **found: object
) -> ContentChecked:
    return ContentChecked.model_validate(
        {
            "decision": Decision.REJECTED,
            "rating": Rating.REJECTED,
            "explicitness_level": 10,
            "tier": request.tier,
            "reason": reason,
            "policy_version": screened.policy_version,
            "findings": screened.findings,
            "judges": (screen_report(screened),),
            **found,
        }
    )
