"""I5, as far as copies go: delivered files are drawn and signed anew, and derive from what was
judged.

A copy has credentials that are intact, and name its piece and the judged bytes. It shows what the
judged bytes show: those that the provider says it gave, or others that are still there; and it has
the print that safety took of them. A thumbnail shows what its image shows.
"""

from collections.abc import Iterator

from tests.audit.looks import are_alike, has_print
from tests.audit.objects import ObjectFile
from tests.audit.report import Violation
from tests.audit.rows import ContentRow
from tests.audit.world import World


def violations(world: World, content: ContentRow) -> Iterator[Violation]:
    """Every breach by the files of a delivery."""
    area = "public" if content.public else "private"
    image = world.files.get((area, content.object_key))
    thumbnail = world.files.get((area, content.thumbnail_key))
    for file in (image, thumbnail):
        if file is not None:
            yield from _signed(file, content)
    if image is not None:
        yield from _seen(world, image, content)
    if image is not None and thumbnail is not None:
        yield from thumbnail_of_another(image, thumbnail, content.content_id)


def thumbnail_of_another(
    image: ObjectFile, thumbnail: ObjectFile, subject: str
) -> Iterator[Violation]:
    """The breach, where a thumbnail shows something else than its image."""
    looks = image.picture.look, thumbnail.picture.look
    if looks[0] is None or looks[1] is None or not are_alike(looks[0], looks[1]):
        yield _breach("thumbnail_of_another", subject, f"{thumbnail.key} does not show its image")


def _signed(file: ObjectFile, content: ContentRow) -> Iterator[Violation]:
    told = file.picture.credentials
    if told is None:
        yield _breach("credentials_missing", content.content_id, file.key)
        return
    if not told.intact:
        detail = f"{file.key} was altered after it was signed"
        yield _breach("credentials_broken", content.content_id, detail)
    if (told.piece_id, told.source_sha256) != (content.content_id, content.verdict_sha256):
        detail = f"{file.key} names {told.piece_id} and {told.source_sha256}"
        yield _breach("credentials_of_another", content.content_id, detail)


def _seen(world: World, image: ObjectFile, content: ContentRow) -> Iterator[Violation]:
    look = image.picture.look
    if look is None:
        yield _breach("another_picture", content.content_id, f"{image.key} is no picture")
        return
    judged = world.looks.get(content.verdict_sha256)
    if judged is not None and not are_alike(look, judged):
        yield _breach("another_picture", content.content_id, f"{image.key}: not what was judged")
    piece = world.pieces.get(content.content_id)
    image_print = (piece.verdict or {}).get("image_print") if piece is not None else None
    if image_print is not None and not has_print(look, image_print):
        yield _breach("another_picture", content.content_id, f"{image.key}: not of its print")


def _breach(code: str, subject: str, detail: str) -> Violation:
    return Violation("I5", code, subject, detail)
