"""Finished pieces that were kept back, uploaded afterwards."""

from pydantic import Field

from shared.calls.pieces import Piece, PieceRef
from shared.content import Sha256, Value, Verdict
from shared.rpc import Call

UPLOAD_LIMIT_S = 30.0
"""How long to wait for the upload of a piece."""


class UploadReceipt(Value):
    """A finished piece that may be shown, and what its bytes were delivered by."""

    piece: Piece
    source_sha256: Sha256 = Field(description="of the judged bytes that its files derive from")
    verdict: Verdict | None = Field(default=None, description="as it was signed")


class RecordUpload(PieceRef):
    """A piece's files lie where their tier has them: from now on they are shown from there."""

    url: str = Field(description="where the image lies, never signed")
    public: bool = Field(description="readable by anybody; false: only by a signed link")


class PieceUploaded(Value):
    """The uploaded piece; or none, and the stable reason for that."""

    piece: Piece | None = None
    reason: str = ""
    detail: str = ""


GET_RECEIPT = Call("ledger.piece.receipt", PieceRef, UploadReceipt)
RECORD_UPLOAD = Call("ledger.piece.uploaded", RecordUpload, Piece)
UPLOAD_PIECE = Call("storage.piece.upload", PieceRef, PieceUploaded)
