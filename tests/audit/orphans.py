"""I4: no orphan is left: every file, row and staged image has its counterpart."""

from collections.abc import Iterator

from tests.audit.originals import originals
from tests.audit.report import Violation
from tests.audit.world import ENDED, World, is_held_now

NAME = "I4"
CLAIM = "no orphan is left: no file, row or staged image without its counterpart"


def checked(world: World) -> int:
    """Files, delivered rows, staged images and provider calls that were looked at."""
    books = world.books
    return (
        len(world.objects) + len(books.contents) + len(world.streams.staged) + len(books.attempts)
    )


def violations(world: World) -> list[Violation]:
    """Every breach."""
    return [*_files(world), *_staging(world), *_rows(world)]


def _breach(code: str, subject: str, detail: str, *, heals: bool = True) -> Violation:
    return Violation(NAME, code, subject, detail, heals)


def expected_files(world: World) -> frozenset[tuple[str, str]]:
    """Area and key of every file that the books tell of."""
    delivered = (
        ("public" if row.public else "private", key)
        for row in world.books.contents
        if row.taken_down_at is None
        for key in (row.object_key, row.thumbnail_key)
    )
    held = (
        ("review", key) for piece in world.books.pieces if is_held_now(piece) for key in piece.held
    )
    return frozenset((*delivered, *held))


def _files(world: World) -> Iterator[Violation]:
    expected = expected_files(world)
    found = {(file.area, file.key) for file in world.objects}
    beside = originals(world)
    taken_down = {
        key
        for row in world.books.contents
        if row.taken_down_at is not None
        for key in (row.object_key, row.thumbnail_key)
    } | {key for (_, key), row in beside.items() if row.taken_down_at is not None}
    expected |= {place for place, row in beside.items() if row.taken_down_at is None}
    for file in world.objects:
        if (file.area, file.key) not in expected:
            code = "half_file" if file.is_hidden else "file_without_row"
            code = "taken_down_kept" if file.key in taken_down else code
            yield _breach(code, f"{file.area}/{file.key}", f"{file.size} bytes")
    for area, key in sorted(expected - found):
        yield _breach("row_without_file", f"{area}/{key}", "no such file")


def _staging(world: World) -> Iterator[Violation]:
    for image in world.streams.staged:
        piece = world.pieces.get(image.piece_id)
        if piece is None:
            yield _breach("staged_for_nobody", image.name, "no such piece")
        elif piece.state in ENDED:
            yield _breach("staged_too_long", image.name, f"its piece is {piece.state}")


def _rows(world: World) -> Iterator[Violation]:
    for attempt in world.books.attempts:
        if attempt.outcome == "open" and attempt.lease_until + world.grace.lease_s < world.now:
            yield _breach("open_attempt", attempt.attempt_id, "its lease has run out")
        if attempt.task_id not in world.tasks:
            yield _breach("attempt_without_task", attempt.attempt_id, attempt.task_id, heals=False)
    for content in world.books.contents:
        piece = world.pieces.get(content.content_id)
        if piece is None or piece.content_id != content.content_id:
            yield _breach("content_without_piece", content.content_id, "no piece points to it")
    for key in world.books.order_keys:
        if key.task_id not in world.tasks:
            yield _breach("key_without_task", key.key, key.task_id, heals=False)
