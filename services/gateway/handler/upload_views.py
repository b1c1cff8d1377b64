"""What clients send to have pieces uploaded, and what they learn of each."""

from typing import Annotated

from pydantic import Field

from services.gateway.handler.json_types import Body, View
from shared.content import SubjectToken, Tier

MOST_UPLOADS = 100

PieceIds = Annotated[tuple[SubjectToken, ...], Field(min_length=1, max_length=MOST_UPLOADS)]


class UploadBody(Body):
    """Finished pieces, by id; one that is named twice counts once."""

    piece_ids: PieceIds = Field(description="pieces that were ordered without upload")


class UploadResult(View):
    """What became of one piece."""

    piece_id: str
    uploaded: bool
    access_tier: Tier | None = None
    url: str | None = Field(default=None, description="open, or a signed link that expires")
    thumbnail_url: str | None = None
    code: str | None = Field(
        default=None, description="why not; stable", examples=["piece_taken_down"]
    )
    detail: str | None = None


class UploadReport(View):
    """All of them, in the order they were named in."""

    total_uploaded: int
    total_failed: int
    results: list[UploadResult]
