"""Originals: the judged bytes beside their copy, where an installation keeps them.

They are private whatever the piece's tier. Whether they are kept (`KEEP_ORIGINALS`) is not known
here: none may be missing, and none may be anything else.
"""

from collections.abc import Iterator

from tests.audit.objects import ObjectFile
from tests.audit.report import Violation
from tests.audit.rows import ContentRow
from tests.audit.world import World

MARK = "_original."


def originals(world: World) -> dict[tuple[str, str], ContentRow]:
    """The delivered row behind each original that lies where it may, by area and key."""
    rows = {_stem(row.object_key): row for row in world.books.contents}
    return {
        (file.area, file.key): rows[stem]
        for file in world.objects
        if (stem := _stem_of_original(file)) in rows
    }


def violations(world: World) -> Iterator[Violation]:
    """I5: an original that is not what was judged."""
    for place, content in originals(world).items():
        if world.files[place].sha256 != content.verdict_sha256:
            detail = f"{'/'.join(place)} is not what was judged"
            yield Violation("I5", "other_original", content.content_id, detail)


def _stem_of_original(file: ObjectFile) -> str | None:
    stem, mark, extension = file.key.rpartition(MARK)
    is_one = file.area == "private" and bool(mark) and "/" not in extension
    return stem if is_one else None


def _stem(key: str) -> str:
    return key.rpartition(".")[0]
