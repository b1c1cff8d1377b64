"""Have a text or an image checked, as if it were a piece. Nothing of it is recorded or logged."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from fastapi import APIRouter

from services.gateway.domain.briefs import consented_name
from services.gateway.handler.check_bodies import (
    MAX_CHECK_BODY_BYTES,
    CheckBody,
    not_an_image,
    read_image,
)
from services.gateway.handler.door import Door, Open, Tenant
from services.gateway.handler.finished import finished
from services.gateway.handler.openapi import problems
from services.gateway.handler.strict_bodies import StrictRoute
from shared.calls import (
    CHECK_CONTENT,
    GET_AVATAR,
    LEND_BYTES,
    AvatarRef,
    CheckContent,
    ContentChecked,
    LendBytes,
    Piece,
)
from shared.content import BlobRef, Tier
from shared.outcomes import TryLater
from shared.problems import Problem

log = structlog.get_logger(__name__)

router = APIRouter(prefix="/content", tags=["content"], route_class=StrictRoute)

CHECK_LIMIT_S = 30.0
LEND_LIMIT_S = 15.0
LARGER_BODIES = {"/api/v1/content/safety-check": MAX_CHECK_BODY_BYTES}


@router.post(
    "/safety-check",
    summary="What moderation would say",
    responses=problems(404, 409, 410, 413),
)
async def check_content(body: CheckBody, door: Open, tenant: Tenant) -> ContentChecked:
    """Judge a text, an image, a finished piece, or a text with either, and keep nothing of it.

    `tier` is capa1 unless given, or the piece's own. The avatar, given or the piece's own, tells
    which real person has consented. The answer is no verdict: nothing is delivered by it. May be
    sent again: every time is a check of its own.
    """
    piece = None if body.piece_id is None else await finished(door, tenant, body.piece_id)
    avatar_id = body.avatar_id or (piece.avatar_id if piece else None)
    name = None if avatar_id is None else await _consented_name(door, tenant, avatar_id)
    async with (
        _naming_the_input(),
        _in_staging(door, tenant, body.image_base64, piece) as image,
    ):
        wanted = CheckContent(
            tenant=tenant,
            text=body.text,
            image=image,
            tier=body.tier or (piece.access_tier if piece else Tier.CAPA1),
            consented_name=name,
        )
        return await door.ask(CHECK_CONTENT, wanted, timeout_s=CHECK_LIMIT_S)


@asynccontextmanager
async def _naming_the_input() -> AsyncIterator[None]:
    """Who is asked cannot know what the client calls the image."""
    try:
        yield
    except Problem as problem:
        details = problem.details
        if (details.code, details.field) == ("validation_error", "image"):
            raise not_an_image() from problem
        if (details.code, details.field) == ("object_not_found", "key"):
            detail = "The piece's file is gone; read the piece again."
            raise Problem(404, "object_not_found", detail, field="piece_id") from problem
        raise


async def _consented_name(door: Door, tenant: str, avatar_id: str) -> str | None:
    ref = AvatarRef(tenant=tenant, avatar_id=avatar_id)
    return consented_name(await door.ask(GET_AVATAR, ref))


@asynccontextmanager
async def _in_staging(
    door: Door, tenant: str, image_base64: str | None, piece: Piece | None
) -> AsyncIterator[BlobRef | None]:
    """The image where safety can read it, for as long as it is looked at."""
    name = f"check-{door.new_id()}"
    if image_base64 is not None:
        data, media_type = await read_image(image_base64)
        async with _forgotten_afterwards(door, name):
            yield await door.staging.put(name, data, media_type=media_type)
    elif piece is not None and piece.object_key is not None:
        wanted = LendBytes(tenant=tenant, key=piece.object_key, name=name)
        async with _forgotten_afterwards(door, name):
            yield (await door.ask(LEND_BYTES, wanted, timeout_s=LEND_LIMIT_S)).image
    else:
        yield None


@asynccontextmanager
async def _forgotten_afterwards(door: Door, name: str) -> AsyncIterator[None]:
    try:
        yield
    finally:
        # Also when nobody confirmed that anything lies there.
        try:
            await door.staging.forget(name)
        except TryLater as exc:
            log.warning("check.bytes_left", name=name, cause=exc.detail)
