"""What the ledger knows of pieces."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from services.storage.domain import piece_of_key
from services.storage.ports import Area, Found, Strays
from shared.calls import (
    FIND_ENDED,
    FIND_UNOWNED,
    GET_RECEIPT,
    RECORD_UPLOAD,
    FileArea,
    FindEnded,
    FindUnowned,
    ListedFile,
    Piece,
    PieceRef,
    RecordUpload,
    UploadReceipt,
)
from shared.outcomes import TryLater
from shared.problems import Problem
from shared.rpc import Caller

_FAILURE = 500


class LedgerPieces:
    """Asks the ledger which pieces have ended."""

    def __init__(self, call: Caller) -> None:
        self._call = call

    async def __call__(self, piece_ids: Collection[str]) -> Collection[str]:
        try:
            return (await self._call(FIND_ENDED, FindEnded(piece_ids=tuple(piece_ids)))).piece_ids
        except Problem as problem:
            raise TryLater(problem.details.detail) from problem


class LedgerFiles:
    """Asks the ledger which files no piece has. A key that is not ours to judge is somebody's."""

    def __init__(self, call: Caller) -> None:
        self._call = call

    async def __call__(self, files: Collection[Found]) -> Strays:
        listed = tuple(
            ListedFile(piece_id=piece_id, key=file.key, area=FileArea(file.area.value))
            for file in files
            if (piece_id := piece_of_key(file.key)) is not None
        )
        if not listed:
            return Strays()
        try:
            found = await self._call(FIND_UNOWNED, FindUnowned(files=listed))
        except Problem as problem:
            raise TryLater(problem.details.detail) from problem
        elsewhere = [Found(Area(file.area), file.key) for file in found.elsewhere if file.area]
        return Strays(found.keys, elsewhere, found.unfinished)


class LedgerUploads:
    """Asks the ledger about uploads, and has it record them. What it fails at is tried later."""

    def __init__(self, call: Caller) -> None:
        self._call = call

    async def receipt(self, piece: PieceRef) -> UploadReceipt:
        with _failures_passing():
            return await self._call(GET_RECEIPT, piece)

    async def record(self, piece: PieceRef, *, url: str, public: bool) -> Piece:
        upload = RecordUpload(tenant=piece.tenant, piece_id=piece.piece_id, url=url, public=public)
        with _failures_passing():
            return await self._call(RECORD_UPLOAD, upload)


@contextmanager
def _failures_passing() -> Iterator[None]:
    try:
        yield
    except Problem as problem:
        if problem.details.status >= _FAILURE:
            raise TryLater(problem.details.detail) from problem
        raise
