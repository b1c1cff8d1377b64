"""How captions look that were written without a piece."""

from collections.abc import Sequence

from pydantic import Field

from services.gateway.handler.json_types import JsonDecimal, View, usd
from shared.calls import CaptionsWritten, PictureToCaption
from shared.content import Captions, CaptionSource


class PictureCaptions(View):
    """The captions of one picture."""

    piece_id: str | None = Field(description="null where a prompt was given")
    hook_text: str | None = Field(description="the first of them")
    hooks: tuple[str, ...]
    source: CaptionSource = Field(description="`model`, or `template` for written ones")
    provider: str | None = Field(description="whose model wrote them")
    model: str | None
    instead_of: str | None = Field(
        description="why written captions stand where a model's were wanted",
        examples=["unavailable"],
    )


class CaptionsView(View):
    """The captions, in the order of the pieces, and what they cost."""

    captions: list[PictureCaptions]
    cost: JsonDecimal = Field(description="USD, of all calls to models, those in vain included")


def captions_view(pictures: Sequence[PictureToCaption], written: CaptionsWritten) -> CaptionsView:
    """The captions of these pictures."""
    each = zip(pictures, written.captions, strict=True)
    return CaptionsView(
        captions=[_of(picture.piece_id, captions) for picture, captions in each],
        cost=usd(written.cost_usd_micros),
    )


def _of(piece_id: str | None, captions: Captions) -> PictureCaptions:
    return PictureCaptions(
        piece_id=piece_id,
        hook_text=next(iter(captions.hooks), None),
        hooks=captions.hooks,
        source=captions.source,
        provider=captions.provider or None,
        model=captions.model or None,
        instead_of=captions.instead_of or None,
    )
