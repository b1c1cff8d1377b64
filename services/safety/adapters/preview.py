"""The `preview` judge: passes drawn placeholders and nothing else."""

import struct
from collections.abc import Iterator

from services.safety.domain.submission import Submission
from shared.content import JudgeReport

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LABEL = b"Comment\x00PREVIEW"


class PreviewJudge:
    """Recognises the painter's label in the bytes themselves, not only in what a fact claims.

    It has no opinion about any other image, and leaves that to others. `categories` are those
    that it has to score: it knows that a drawing shows nothing of them.

    Delivered copies carry no such label, so that people look at a placeholder that is lent to stand
    in for another piece. What a copy says of itself is no proof: an image that people approved
    under a false claim would say it as well.
    """

    name = "preview"

    def __init__(self, categories: tuple[str, ...]) -> None:
        self._scores = dict.fromkeys(categories, 0.0)

    def concerns(self, submission: Submission) -> bool:
        image = submission.image
        return submission.drawn and image is not None and is_labelled_preview(image)

    async def judge(self, submission: Submission) -> JudgeReport | None:
        if not self.concerns(submission):
            return None
        return JudgeReport(judge=self.name, model="label-1", image_scores=self._scores)


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
