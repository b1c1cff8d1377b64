"""I5: delivered files are copies of the judged bytes, and those are the bytes that were bought.

Where an earlier image stands in, they are those of the piece that it was bought for.
"""

from collections.abc import Iterator

from tests.audit import copies, originals, signatures, substitutes
from tests.audit.objects import ObjectFile
from tests.audit.report import Violation
from tests.audit.rows import ContentRow, PieceRow
from tests.audit.world import HELD, RunFact, World, is_held_now

NAME = "I5"
CLAIM = "delivered files are copies of the judged bytes, and those are what was bought"

JPEG = b"\xff\xd8\xff"
IMAGE_FACTS = ("image.generated", "content.hooked", "content.moderated", "content.stored")
JUDGED_FACTS = ("content.moderated", "content.stored")


def checked(world: World) -> int:
    """Delivered and held pieces that were looked at."""
    return len(world.books.contents) + sum(piece.state == HELD for piece in world.books.pieces)


def violations(world: World) -> list[Violation]:
    """Every breach."""
    return [
        *(each for content in world.books.contents for each in _delivered(world, content)),
        *(
            each
            for piece in world.books.pieces
            if is_held_now(piece)
            for each in _held(world, piece)
        ),
        *(each for piece in world.books.pieces for each in _approved(world, piece)),
        *signatures.violations(world),
        *originals.violations(world),
        *(each for fact in world.run_facts for each in _fact(world, fact)),
    ]


def _breach(code: str, subject: str, detail: str, *, heals: bool = False) -> Violation:
    return Violation(NAME, code, subject, detail, heals)


def _delivered(world: World, content: ContentRow) -> Iterator[Violation]:
    subject = content.content_id
    area = "public" if content.public else "private"
    if content.taken_down_at is None:
        yield from _image(world, subject, (area, content.object_key), content.image_sha256)
        yield from _thumbnail(world, subject, (area, content.thumbnail_key))
        yield from copies.violations(world, content)
    told = {content.source_sha256, content.verdict_sha256}
    piece = world.pieces.get(subject)
    if piece is not None:
        told |= {piece.image_sha256 or "", piece.verdict_sha256 or ""}
        if piece.verdict_decision != content.verdict_decision:
            yield _breach("verdict_differs", subject, "piece and content name different ones")
    if len(told) != 1:
        yield _breach("hashes_differ", subject, f"{len(told)} different hashes on record")
    yield from _bought(world, content)


def _bought(world: World, content: ContentRow) -> Iterator[Violation]:
    if content.source == substitutes.CACHED:
        yield from substitutes.descent(world, content)
        return
    attempt = world.attempts.get(content.attempt_id or "")
    if attempt is None or attempt.piece_id != content.content_id:
        yield _breach("bought_by_nobody", content.content_id, f"attempt {content.attempt_id}")
    elif attempt.outcome != "succeeded" or attempt.image_sha256 != content.source_sha256:
        detail = f"attempt {attempt.number} {attempt.outcome} with other bytes"
        yield _breach("other_bytes_bought", content.content_id, detail)


def _held(world: World, piece: PieceRow) -> Iterator[Violation]:
    image, thumbnail = (("review", key) for key in piece.held)
    judged = str((piece.held_verdict or {}).get("image_sha256"))
    yield from _image(world, piece.piece_id, image, judged)
    yield from _thumbnail(world, piece.piece_id, thumbnail)
    whole, small = world.files.get(image), world.files.get(thumbnail)
    if whole is not None and small is not None:
        yield from copies.thumbnail_of_another(whole, small, piece.piece_id)


def _approved(world: World, piece: PieceRow) -> Iterator[Violation]:
    """What people looked at is what went on and was delivered."""
    looked_at = (piece.held_verdict or {}).get("image_sha256")
    if looked_at is None:
        return
    content = world.contents.get(piece.piece_id)
    if content is not None and content.source_sha256 != looked_at:
        yield _breach("other_bytes_approved", piece.piece_id, "delivered, but not looked at")
    for fact in world.facts_of.get(piece.piece_id, ()):
        if fact.fact == "review.approved" and fact.part("image").get("sha256") != looked_at:
            yield _breach("other_bytes_approved", fact.place, "told, but not looked at")


def _image(
    world: World, subject: str, place: tuple[str, str], recorded_sha256: str
) -> Iterator[Violation]:
    file = world.files.get(place)
    if file is not None and file.sha256 != recorded_sha256:
        yield _breach("other_bytes_delivered", subject, f"{'/'.join(place)} is not as recorded")


def _thumbnail(world: World, subject: str, place: tuple[str, str]) -> Iterator[Violation]:
    file: ObjectFile | None = world.files.get(place)
    if file is None:
        yield _breach("no_thumbnail", subject, "/".join(place), heals=True)
    elif not file.begins.startswith(JPEG):
        yield _breach("no_thumbnail", subject, f"{'/'.join(place)} is no JPEG")


def _fact(world: World, fact: RunFact) -> Iterator[Violation]:
    """Along the way of a run the image stays the same, and the verdict is about it."""
    image = fact.part("image").get("sha256")
    if fact.fact in IMAGE_FACTS and image != world.image_of.get((fact.piece_id, fact.run), image):
        yield _breach("image_changed", fact.place, "another image than image.generated tells")
    if fact.fact in JUDGED_FACTS and fact.part("verdict").get("image_sha256") != image:
        yield _breach("verdict_about_other_bytes", fact.place, "not those of the fact")
    if fact.fact == "content.stored":
        yield from _stored(world, fact, image)
    if fact.fact == "content.persisted":
        yield from _end(world, fact)


def _stored(world: World, fact: RunFact, image: object) -> Iterator[Violation]:
    """What is held are the judged bytes; what is delivered derives from them."""
    delivery = fact.part("delivery")
    told = {delivery.get("source_sha256")}
    if delivery.get("held"):
        told.add(delivery.get("image_sha256"))
    if told != {image}:
        yield _breach("other_bytes_stored", fact.place, "not those of the fact")
    content = world.contents.get(fact.piece_id)
    if content is None or content.object_key != delivery.get("object_key"):
        return
    if content.image_sha256 != delivery.get("image_sha256"):
        yield _breach("other_bytes_recorded", fact.place, "the books tell of others")


def _end(world: World, fact: RunFact) -> Iterator[Violation]:
    content = world.contents.get(fact.piece_id)
    told = (fact.message.body.get("image_sha256"), fact.message.body.get("object_key"))
    if content is not None and told != (content.image_sha256, content.object_key):
        yield _breach("end_about_other_bytes", fact.place, "the books tell of others")
