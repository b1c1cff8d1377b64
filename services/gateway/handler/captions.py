"""Captions without a piece: for finished pieces once more, or for a picture in words."""

import structlog
from fastapi import APIRouter, Request

from services.gateway.handler.caption_bodies import CaptionsBody
from services.gateway.handler.caption_subjects import Subject, find_subject
from services.gateway.handler.caption_views import CaptionsView, captions_view
from services.gateway.handler.door import Door, Open, Tenant
from services.gateway.handler.idempotency import HEADER
from services.gateway.handler.openapi import problems
from services.gateway.handler.strict_bodies import StrictRoute
from shared.calls import CAPTIONS_LIMIT_S, WRITE_CAPTIONS, CaptionsWritten, WriteCaptions
from shared.outcomes import TryLater
from shared.problems import Problem

log = structlog.get_logger(__name__)

router = APIRouter(prefix="/content", tags=["content"], route_class=StrictRoute)


@router.post(
    "/hooks",
    summary="Captions, written at once",
    responses=problems(400, 404, 409, 410, 413),
)
async def write_captions(
    body: CaptionsBody, request: Request, door: Open, tenant: Tenant
) -> CaptionsView:
    """Have captions written for finished pieces, or for a picture in words; nothing is kept.

    The pieces themselves do not change. Every request is written and paid for anew, one that is
    repeated too; `cost` says what it came to. An `Idempotency-Key` is refused, since nobody would
    remember it. Where no model can or may write, written captions come and `instead_of` says why.
    The answer may take a minute, and the captions are paid for whether or not somebody waits.
    """
    if HEADER in request.headers:
        detail = "These captions are not remembered by a key: every request is paid for."
        raise Problem(422, "idempotency_not_offered", detail, field=HEADER)
    subject = await find_subject(door, tenant, body)
    return captions_view(subject.pictures, await _written(door, tenant, body, subject))


async def _written(
    door: Door, tenant: str, body: CaptionsBody, subject: Subject
) -> CaptionsWritten:
    try:
        return await door.ask(
            WRITE_CAPTIONS, _question(tenant, body, subject), timeout_s=CAPTIONS_LIMIT_S
        )
    except TryLater as exc:
        log.warning("captions.not_confirmed", pictures=len(subject.pictures), cause=exc.detail)
        detail = "Nobody brings the captions; a model may have been paid for them all the same."
        raise Problem(503, "captions_not_confirmed", detail) from exc


def _question(tenant: str, body: CaptionsBody, subject: Subject) -> WriteCaptions:
    asked = WriteCaptions(
        tenant=tenant,
        pictures=subject.pictures,
        platform=subject.platform,
        language=body.language or "en",
        count=body.count,
    )
    avatar = subject.avatar
    if avatar is None:
        return asked
    personality = avatar.meta_data.personality
    voice = {
        "avatar_id": avatar.id,
        "avatar_name": avatar.name,
        "niche": avatar.niche,
        "personality_tone": personality.tone,
        "language": body.language or personality.language,
        "consented_name": subject.consented_name,
    }
    return asked.model_copy(update=voice)
