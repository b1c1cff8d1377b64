"""The `preview` judge: passes drawn placeholders and nothing else."""

import struct
from collections.abc import Iterator

from services.safety.domain.verdicts import Judgement
from shared.content import Rating, Tier
from shared.events import ContentHooked

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LABEL = b"Comment\x00PREVIEW"


class PreviewJudge:
    """Recognises the painter's label in the bytes themselves, not only in what a fact claims."""

    name = "preview"

    async def judge(self, event: ContentHooked, image: bytes) -> Judgement | None:
        if not event.generation.preview or not is_labelled_preview(image):
            return None
        return Judgement(
            rating=Rating.SAFE,
            explicitness_level=1,
            tier_at_least=Tier.CAPA1,
            reason="a drawn placeholder, not a generated image",
        )


def is_labelled_preview(image: bytes) -> bool:
    """Whether a PNG carries the comment `PREVIEW…` in a tEXt chunk before its pixels."""
    return any(
        kind == b"tEXt" and data.startswith(_LABEL) for kind, data in _chunks_before_pixels(image)
    )


def _chunks_before_pixels(image: bytes) -> Iterator[tuple[bytes, bytes]]:
    """PNG chunks (PNG specification, section 5.3): length, type, data, CRC."""
    if not image.startswith(_PNG_SIGNATURE):
        return
    at = len(_PNG_SIGNATURE)
    while at + 8 <= len(image):
        length, kind = struct.unpack_from(">I4s", image, at)
        if kind == b"IDAT":
            return
        yield kind, image[at + 8 : at + 8 + length]
        at += 12 + length
