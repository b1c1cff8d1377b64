"""Pieces with their history, and what an avatar's pieces add up to."""

from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

from shared.calls.attempts import AttemptKind
from shared.calls.avatars import AvatarRef
from shared.calls.base import Asked
from shared.content import (
    Generation,
    ImagePrint,
    Rating,
    Sha256,
    SubjectToken,
    Tier,
    Value,
)
from shared.rpc import Call


class Piece(Value):
    """A piece as it is recorded: finished, held, ended or under way."""

    id: str
    task_id: str
    avatar_id: str
    index: int
    state: str
    run: int
    content_type: str = "image"
    access_tier: Tier
    template_id: str | None = None
    prompt: str
    platform: str
    object_key: str | None = None
    thumbnail_key: str | None = None
    url: str | None = None
    public: bool = False
    uploaded: bool = True
    image_sha256: str | None = None
    media_type: str | None = None
    hook_text: str | None = None
    hooks: tuple[str, ...] = ()
    hooks_source: str | None = None
    hooks_provider: str | None = Field(default=None, description="whose model wrote them, if one")
    hooks_model: str | None = None
    hooks_instead_of: str | None = Field(
        default=None, description="why they were not written by a model, though wanted so"
    )
    safety_rating: Rating | None = None
    explicitness_level: int | None = None
    verdict_reason: str | None = None
    generation: Generation | None = None
    cost_usd_micros: int = Field(default=0, description="of all its attempts")
    price_usd_micros: int | None = None
    reason: str | None = None
    detail: str | None = None
    created_at: AwareDatetime
    ended_at: AwareDatetime | None = None
    published_at: AwareDatetime | None = None
    near_duplicate_of: str | None = Field(
        default=None, description="an earlier piece of the same avatar that looks the same"
    )
    taken_down_at: AwareDatetime | None = Field(
        default=None, description="since when nobody may see it; its record stays"
    )


class PieceRef(Asked):
    """One piece."""

    piece_id: SubjectToken


class FindEnded(Value):
    """Pieces by their ids alone: who asks has nothing but names of bytes, and is no client."""

    piece_ids: tuple[SubjectToken, ...] = Field(max_length=1000)


class EndedPieces(Value):
    """Those of them that have ended for good. Unknown ones are not among them."""

    piece_ids: tuple[str, ...]


class TimelineEntry(Value):
    """Something that happened to a piece."""

    at: AwareDatetime
    run: int
    fact: str
    detail: dict[str, object] = Field(default_factory=dict)


class AttemptRecord(Value):
    """A provider call, as it was opened and settled."""

    attempt_id: str
    number: int
    run: int
    kind: AttemptKind = "image"
    provider: str
    outcome: str
    error_code: str | None = None
    duration_ms: int | None = None
    cost_usd_micros: int
    opened_at: AwareDatetime
    settled_at: AwareDatetime | None = None


class PieceDetail(Value):
    """A piece with all that happened to it."""

    piece: Piece
    timeline: tuple[TimelineEntry, ...]
    attempts: tuple[AttemptRecord, ...]


class ListPieces(Asked):
    """Pieces of an avatar (newest first) or of a task (in order).

    `delivered_only` leaves out what is not finished content.
    """

    avatar_id: SubjectToken | None = None
    task_id: SubjectToken | None = None
    tier: Tier | None = None
    rating: Rating | None = None
    delivered_only: bool = True
    cursor: str | None = None
    limit: int = Field(default=20, ge=1, le=50)


class PiecePage(Value):
    """Some pieces, and where to go on."""

    pieces: tuple[Piece, ...]
    next_cursor: str | None = None


class PublishPiece(PieceRef):
    """Mark a piece as published, with its price."""

    price_usd_micros: int | None = Field(default=None, ge=0)


class TakeDownPiece(PieceRef):
    """Remove a finished piece from delivery for good; the record stays, its like is blocked."""

    by: SubjectToken = Field(description="id of the API key that asks")
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]


class MatchImage(Asked):
    """Whether an image, or one that looks the same, was taken down in this tenant."""

    sha256: Sha256
    image_print: ImagePrint | None = None


class ImageMatch(Value):
    """The piece that was taken down and looks the same; none if there is none."""

    piece_id: str | None = None
    nothing_taken_down: bool = Field(
        default=False, description="nothing at all in this tenant: no need to ask at once again"
    )


class AvatarStats(Value):
    """Totals of an avatar, computed by the database."""

    avatar_id: str
    total_pieces: int
    tiers: dict[str, int]
    ratings: dict[str, int]
    states: dict[str, int]
    total_cost_usd_micros: int
    average_cost_usd_micros: int
    total_generation_time_ms: int
    average_generation_time_ms: int
    first_at: AwareDatetime | None = None
    last_at: AwareDatetime | None = None


FIND_ENDED = Call("ledger.piece.ended", FindEnded, EndedPieces)
GET_PIECE = Call("ledger.piece.get", PieceRef, PieceDetail)
LIST_PIECES = Call("ledger.piece.list", ListPieces, PiecePage)
PUBLISH_PIECE = Call("ledger.piece.publish", PublishPiece, Piece)
TAKE_DOWN_PIECE = Call("ledger.piece.take_down", TakeDownPiece, Piece)
MATCH_IMAGE = Call("ledger.image.match", MatchImage, ImageMatch)
GET_STATS = Call("ledger.stats.get", AvatarRef, AvatarStats)
