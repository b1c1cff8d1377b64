"""Upload finished pieces that were kept back, each so that it can be cut off and sent again.

Copies first, then the record, then the copies that are left over go. Nothing that is on record is
ever taken away, so that a cut loses nothing; what it leaves behind the collector finds.
"""

import asyncio
import hashlib
from collections.abc import Collection
from dataclasses import dataclass

import structlog

from services.storage.domain import is_public
from services.storage.handler.vouching import check_verdict, not_allowed
from services.storage.ports import Area, Credentials, ObjectMissing, ObjectStore, UploadBook
from shared.calls import Piece, PieceRef, PieceUploaded, UploadReceipt
from shared.content import Tier, Verdict
from shared.outcomes import GiveUp, TryLater
from shared.problems import Problem
from shared.signing import VerdictKeys

log = structlog.get_logger(__name__)

STORE_LIMIT_S = 20.0
_THUMBNAIL = "image/jpeg"
_GONE = {"piece_not_found", "piece_taken_down"}


class NotUploaded(Exception):
    """What lies there is not what was delivered; `reason` is a stable code."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class _Delivered:
    """A delivered piece with the files that its record names, and what its verdict is about."""

    tenant: str
    piece: Piece
    source_sha256: str
    verdict: Verdict
    object_key: str
    thumbnail_key: str

    @property
    def task_id(self) -> str:
        return self.piece.task_id

    @property
    def piece_id(self) -> str:
        return self.piece.id

    @property
    def run(self) -> int:
        return self.piece.run

    @property
    def files(self) -> tuple[tuple[str, str], ...]:
        # The thumbnail first: a piece whose image is there is complete.
        image = self.piece.media_type or "application/octet-stream"
        return (self.thumbnail_key, _THUMBNAIL), (self.object_key, image)


@dataclass(frozen=True, slots=True)
class UploadPiece:
    """Uploads a piece where its tier allows it to be read, by the verdict it was delivered by."""

    book: UploadBook
    objects: ObjectStore
    credentials: Credentials
    public_tiers: Collection[Tier]
    keys: VerdictKeys
    limit_s: float = STORE_LIMIT_S

    async def __call__(self, request: PieceRef) -> PieceUploaded:
        """The piece, or why not. Raises TryLater when the ledger is away."""
        try:
            return PieceUploaded(piece=await self._upload(request))
        except Problem as problem:
            reason, detail = problem.details.code, problem.details.detail
        except (GiveUp, NotUploaded) as exc:
            reason, detail = exc.reason, exc.detail
        log.info("upload.refused", piece_id=request.piece_id, reason=reason)
        return PieceUploaded(reason=reason, detail=detail)

    async def _upload(self, request: PieceRef) -> Piece:
        receipt = await self.book.receipt(request)
        if receipt.piece.uploaded:
            return receipt.piece
        delivered = _delivered(request.tenant, receipt)
        check_verdict(self.keys, delivered, delivered.verdict, delivered.source_sha256)
        if not delivered.verdict.allows_delivery:
            raise not_allowed(delivered.verdict)
        public = is_public(delivered.verdict.tier, self.public_tiers, uploaded=True)
        area = Area.PUBLIC if public else Area.PRIVATE
        await self._copy(delivered, area)
        piece = await self._record(request, delivered, area)
        await self._tidy(delivered, Area.PRIVATE if piece.public else Area.PUBLIC)
        log.info("upload.recorded", piece_id=piece.id, public=piece.public)
        return piece

    async def _copy(self, delivered: _Delivered, area: Area) -> None:
        try:
            async with asyncio.timeout(self.limit_s):
                for key, media_type in delivered.files:
                    data = await self._read(key)
                    await self._check(delivered, key, data, media_type)
                    await self.objects.create(area, key, data, media_type=media_type)
        except (TryLater, TimeoutError) as exc:
            log.warning("upload.store_away", piece_id=delivered.piece_id, cause=type(exc).__name__)
            raise NotUploaded("store_unavailable", "The store takes nothing now.") from exc

    async def _read(self, key: str) -> bytes:
        # A twin may have moved it meanwhile.
        for area in (Area.PRIVATE, Area.PUBLIC):
            try:
                return await self.objects.read(area, key)
            except ObjectMissing:
                continue
        raise NotUploaded("image_lost", "Its file is no longer there.")

    async def _check(self, delivered: _Delivered, key: str, data: bytes, media_type: str) -> None:
        """That these bytes were delivered, and are signed: no others become public."""
        if key == delivered.object_key:
            digest = (await asyncio.to_thread(hashlib.sha256, data)).hexdigest()
            if digest != delivered.piece.image_sha256:
                raise _altered()
        told = await self.credentials.read(data, media_type)
        mine = (delivered.piece_id, delivered.run, delivered.source_sha256)
        if told is None or (told.piece_id, told.run, told.source_sha256) != mine:
            raise _altered()

    async def _record(self, request: PieceRef, delivered: _Delivered, area: Area) -> Piece:
        url = self.objects.link(area, delivered.object_key)
        try:
            return await self.book.record(request, url=url, public=area is Area.PUBLIC)
        except Problem as problem:
            # While we copied. It stays so for good.
            if problem.details.code in _GONE:
                for key, _ in delivered.files:
                    await self.objects.delete(key)
            raise

    async def _tidy(self, delivered: _Delivered, area: Area) -> None:
        try:
            for key, _ in delivered.files:
                await self.objects.delete_from(area, key)
        except TryLater as exc:
            # It is uploaded all the same.
            log.warning("upload.copy_left", piece_id=delivered.piece_id, cause=exc.detail)


def _delivered(tenant: str, receipt: UploadReceipt) -> _Delivered:
    piece, verdict = receipt.piece, receipt.verdict
    if verdict is None:
        raise GiveUp("verdict_unsigned", "its verdict is not on record")
    if piece.object_key is None or piece.thumbnail_key is None:
        raise NotUploaded("image_lost", "Its record names no file.")
    return _Delivered(
        tenant, piece, receipt.source_sha256, verdict, piece.object_key, piece.thumbnail_key
    )


def _altered() -> NotUploaded:
    return NotUploaded("file_altered", "What lies there is not what was delivered.")
