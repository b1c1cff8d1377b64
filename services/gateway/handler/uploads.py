"""Upload finished pieces that were ordered without upload."""

import asyncio
from collections.abc import Sequence

import structlog
from fastapi import APIRouter

from services.gateway.handler.door import Door, Open, Tenant
from services.gateway.handler.openapi import problems
from services.gateway.handler.planning import check_uploads
from services.gateway.handler.rendering import Links, links_of
from services.gateway.handler.strict_bodies import StrictRoute
from services.gateway.handler.upload_views import UploadBody, UploadReport, UploadResult
from shared.calls import UPLOAD_LIMIT_S, UPLOAD_PIECE, PieceRef, PieceUploaded
from shared.outcomes import TryLater
from shared.problems import Problem

log = structlog.get_logger(__name__)

router = APIRouter(prefix="/content", tags=["pieces"], route_class=StrictRoute)

_AT_A_TIME = 4
_STORE_AWAY = "store_unavailable"
_PART_AWAY = PieceUploaded(
    reason="unavailable", detail="A part of the system does not answer; send it again soon."
)


@router.post(
    "/upload-batch",
    summary="Upload pieces that were kept back",
    responses=problems(413, 502),
)
async def upload_batch(body: UploadBody, door: Open, tenant: Tenant) -> UploadReport:
    """Serve finished pieces from where their tier has them, as if they had been ordered so.

    Each is made sure of as at its delivery, and is uploaded or not by itself: `results` tells. May
    be sent again; what is uploaded stays so, and is told again. 502 when the store refuses all,
    422 where uploads are turned off.
    """
    check_uploads(door)
    piece_ids = list(dict.fromkeys(body.piece_ids))
    permits = asyncio.Semaphore(_AT_A_TIME)
    outcomes = await asyncio.gather(
        *(_upload(door, tenant, piece_id, permits) for piece_id in piece_ids)
    )
    _check_any(outcomes)
    links = await links_of(door, tenant, [one.piece for one in outcomes if one.piece])
    results = [_result(ident, one, links) for ident, one in zip(piece_ids, outcomes, strict=True)]
    uploaded = sum(result.uploaded for result in results)
    return UploadReport(
        total_uploaded=uploaded, total_failed=len(results) - uploaded, results=results
    )


async def _upload(
    door: Door, tenant: str, piece_id: str, permits: asyncio.Semaphore
) -> PieceUploaded:
    wanted = PieceRef(tenant=tenant, piece_id=piece_id)
    async with permits:
        try:
            return await door.ask(UPLOAD_PIECE, wanted, timeout_s=UPLOAD_LIMIT_S)
        except TryLater as exc:
            log.warning("upload.not_confirmed", piece_id=piece_id, cause=exc.detail)
            return _PART_AWAY


def _check_any(outcomes: Sequence[PieceUploaded]) -> None:
    """Raises Problem 502 where the store refuses all, TryLater where nobody answers for any."""
    reasons = {one.reason for one in outcomes if one.piece is None}
    if any(one.piece for one in outcomes) or len(reasons) != 1:
        return
    if reasons == {_STORE_AWAY}:
        raise Problem(502, "upload_failed", "Failed to upload to R2")
    if reasons == {_PART_AWAY.reason}:
        raise TryLater("nobody uploads")


def _result(piece_id: str, outcome: PieceUploaded, links: Links) -> UploadResult:
    piece = outcome.piece
    if piece is None:
        return UploadResult(
            piece_id=piece_id, uploaded=False, code=outcome.reason, detail=outcome.detail
        )
    return UploadResult(
        piece_id=piece_id,
        uploaded=True,
        access_tier=piece.access_tier,
        url=links.of(piece.object_key),
        thumbnail_url=links.of(piece.thumbnail_key),
    )
