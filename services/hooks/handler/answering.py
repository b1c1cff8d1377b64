"""Captions for whoever asks by a call: at once, for no piece, and with their price."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import structlog

from services.hooks.handler.books import NoBooks
from services.hooks.handler.chain import WriteBatch
from services.hooks.handler.jobs import Job, Outcome, Unwritten
from services.hooks.handler.standby import Standby
from shared.calls import CAPTIONS_LIMIT_S, CaptionsWritten, PictureToCaption, WriteCaptions
from shared.content import Brief, Captions, LoraRef
from shared.outcomes import TryLater

log = structlog.get_logger(__name__)

_TIME_TO_ANSWER_S = 5.0


@dataclass(frozen=True, slots=True)
class AnswerWriteCaptions:
    """As for pieces, but nobody comes back: who is busy is not waited for.

    `write` is None where no model is configured.
    """

    standby: Standby
    write: WriteBatch | None = None
    limit_s: float = CAPTIONS_LIMIT_S - _TIME_TO_ANSWER_S

    async def __call__(self, asked: WriteCaptions) -> CaptionsWritten:
        """Raises TryLater when the text screen is away."""
        jobs = [_job(asked, picture) for picture in asked.pictures]
        books = NoBooks()
        outcomes = await self._written(jobs, books)
        captions = [
            await self._of(job, outcome) for job, outcome in zip(jobs, outcomes, strict=True)
        ]
        if books.cost_usd_micros:
            log.info(
                "captions.sold",
                tenant=asked.tenant,
                pictures=len(jobs),
                cost_usd_micros=books.cost_usd_micros,
            )
        return CaptionsWritten(
            captions=tuple(
                each.model_copy(update={"hooks": each.hooks[: asked.count]}) for each in captions
            ),
            cost_usd_micros=books.cost_usd_micros,
        )

    async def _written(self, jobs: Sequence[Job], books: NoBooks) -> Sequence[Outcome]:
        if self.write is None:
            return [Unwritten("")] * len(jobs)
        try:
            async with asyncio.timeout(self.limit_s):
                return await self.write(jobs, books)
        except TimeoutError:
            return [Unwritten("unavailable")] * len(jobs)

    async def _of(self, job: Job, outcome: Outcome) -> Captions:
        match outcome:
            case Captions():
                return outcome
            case Unwritten(instead_of):
                return await self.standby(job.brief, job.piece_id, instead_of=instead_of)
            case TryLater():
                raise TryLater(outcome.detail) from outcome
        raise outcome


def _job(asked: WriteCaptions, picture: PictureToCaption) -> Job:
    key = picture.piece_id or sha256(picture.prompt.encode()).hexdigest()[:32]
    brief = Brief(
        avatar_id=asked.avatar_id or "none",
        avatar_name=asked.avatar_name,
        niche=asked.niche,
        personality_tone=asked.personality_tone,
        likeness_name=asked.consented_name,
        language=asked.language,
        platform=asked.platform,
        tier=picture.tier,
        category=picture.category,
        prompt=picture.prompt,
        # No image is made of it.
        seed=0,
        lora=LoraRef(key="none"),
    )
    return Job(key, asked.tenant, brief)
