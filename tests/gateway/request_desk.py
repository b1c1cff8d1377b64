"""The parts of the backend in memory that answer requests by key, and upload pieces."""

from dataclasses import dataclass
from typing import Any

from shared import calls
from shared.calls import Piece, PieceUploaded
from shared.problems import Problem


@dataclass
class Claimed:
    """A request by key; nobody dies here unless a test says so."""

    body_sha256: str
    holder: str
    answer: dict[str, Any] | None = None
    begun: int = 1
    is_held: bool = True


class RequestDesk:
    """Claims as the ledger keeps them, by tenant and key; uploads as storage makes them."""

    def __init__(self) -> None:
        self.claimed: dict[tuple[str, str], Claimed] = {}
        self.pieces: dict[str, Piece] = {}
        self.uploads: list[str] = []
        self.not_uploaded: dict[str, str] = {}
        """Reasons by piece; by `*` for all others."""

    async def _ledger_request_claim(self, request: calls.ClaimRequest) -> calls.RequestClaim:
        key = request.request_key
        body, holder = key.body_sha256, request.holder
        known = self.claimed.setdefault((request.tenant, key.key), Claimed(body, holder))
        if known.body_sha256 != body:
            field = "Idempotency-Key"
            raise Problem(409, "idempotency_conflict", "Another request by this key.", field=field)
        if known.answer is not None:
            return calls.RequestClaim(state="done", answer=known.answer)
        if known.is_held:
            return calls.RequestClaim(state="go" if known.holder == holder else "wait")
        if known.begun == 2:
            return calls.RequestClaim(state="lost")
        known.holder, known.is_held, known.begun = holder, True, known.begun + 1
        return calls.RequestClaim(state="go")

    async def _ledger_request_complete(self, request: calls.CompleteRequest) -> calls.RequestClaim:
        known = self.claimed[request.tenant, request.key]
        known.answer = known.answer or request.answer
        return calls.RequestClaim(state="done", answer=known.answer)

    async def _ledger_request_release(self, request: calls.ReleaseRequest) -> calls.Nothing:
        known = self.claimed[request.tenant, request.key]
        known.is_held = False
        if not request.was_paid_for:
            known.begun -= 1
            if not known.begun:
                del self.claimed[request.tenant, request.key]
        return calls.Nothing()

    async def _storage_piece_upload(self, request: calls.PieceRef) -> PieceUploaded:
        self.uploads.append(request.piece_id)
        reason = self.not_uploaded.get(request.piece_id, self.not_uploaded.get("*"))
        piece = self.pieces.get(request.piece_id)
        if reason is None and (piece is None or not self._owns(request.tenant, piece)):
            reason = "piece_not_found"
        if piece is None or reason is not None:
            return PieceUploaded(reason=reason or "", detail="For a reason of the test.")
        public = piece.access_tier.rank == 1
        self.pieces[piece.id] = piece.model_copy(update={"uploaded": True, "public": public})
        return PieceUploaded(piece=self.pieces[piece.id])

    def _owns(self, tenant: str, piece: Piece) -> bool:
        raise AssertionError((tenant, piece.id))
