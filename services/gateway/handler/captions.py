"""Captions without a piece: for finished pieces once more, or for a picture in words."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import structlog
from fastapi import APIRouter, Response

from services.gateway.handler.answering_once import Pay, answer_once
from services.gateway.handler.caption_bodies import CaptionsBody
from services.gateway.handler.caption_subjects import Subject, find_subject
from services.gateway.handler.caption_views import CaptionsView, captions_view
from services.gateway.handler.door import Door, Open, Tenant
from services.gateway.handler.idempotency import (
    REPLAYED_HEADER,
    ChosenKey,
    request_key,
    tell_replay,
)
from services.gateway.handler.openapi import problems
from services.gateway.handler.strict_bodies import StrictRoute
from shared.calls import CAPTIONS_LIMIT_S, WRITE_CAPTIONS, CaptionsWritten, WriteCaptions
from shared.outcomes import TryLater
from shared.problems import Problem

log = structlog.get_logger(__name__)

# The longest that all which comes before the captions can take, and they themselves.
_CLAIM_LIMIT_S = 30.0 + CAPTIONS_LIMIT_S

router = APIRouter(prefix="/content", tags=["content"], route_class=StrictRoute)


@router.post(
    "/hooks",
    summary="Captions, written at once",
    responses={**problems(400, 404, 409, 410, 413), 200: {"headers": REPLAYED_HEADER}},
)
async def write_captions(
    body: CaptionsBody, response: Response, door: Open, tenant: Tenant, key: ChosenKey
) -> CaptionsView:
    """Have captions written for finished pieces, or for a picture in words.

    The pieces themselves do not change. Without an `Idempotency-Key` every request is written and
    paid for anew; by the same key the same request is answered as before, for seven days. `cost`
    says what it came to. Where no model can or may write, written captions come and `instead_of`
    says why. The answer may take a minute, and the captions are paid for whether or not somebody
    waits.
    """
    chosen = request_key(key, "captions", body)
    if chosen is None:
        return await (await _prepared(door, tenant, body))()
    answered = await answer_once(
        door, tenant, chosen, partial(_as_json, door, tenant, body), limit_s=_CLAIM_LIMIT_S
    )
    tell_replay(response, replayed=answered.replayed)
    return CaptionsView.model_validate(answered.answer)


async def _prepared(
    door: Door, tenant: str, body: CaptionsBody
) -> Callable[[], Awaitable[CaptionsView]]:
    """What only has to be paid for."""
    subject = await find_subject(door, tenant, body)

    async def pay() -> CaptionsView:
        return captions_view(subject.pictures, await _written(door, tenant, body, subject))

    return pay


async def _as_json(door: Door, tenant: str, body: CaptionsBody) -> Pay:
    pay = await _prepared(door, tenant, body)

    async def pay_for_json() -> dict[str, Any]:
        return (await pay()).model_dump(mode="json")

    return pay_for_json


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
