"""I4 finds everything that has lost its counterpart."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.audit import orphans
from tests.audit.objects import ObjectFile
from tests.audit.rows import OrderKeyRow
from tests.audit.spoiling import changed, with_books, with_streams
from tests.audit.streams import StagedImage
from tests.audit.world import World
from tests.audit.worlds import REFUSED, SOLD, attempt, file, key, sha, sound_world

Spoil = Callable[[World], World]


def lying(*files: ObjectFile) -> Spoil:
    """These files lie there as well."""
    return lambda world: replace(world, objects=(*world.objects, *files))


def lacking(area: str) -> Spoil:
    """The files of an area are gone."""
    return lambda world: replace(
        world, objects=tuple(each for each in world.objects if each.area != area)
    )


def staged(name: str) -> Spoil:
    """This image is still in staging."""
    image = StagedImage(name, 1)
    return lambda world: with_streams(world, staged=(*world.streams.staged, image))


def open_attempt(world: World) -> World:
    left = attempt("a-open", REFUSED, "open", number=2, lease_until=60.0, settled_at=None)
    return with_books(world, attempts=(*world.books.attempts, left))


BREACHES: dict[str, tuple[str, Spoil]] = {
    "a file has no row": (
        "file_without_row",
        lying(file("private", key(REFUSED), sha(REFUSED))),
    ),
    "a file lies in the wrong area": (
        "file_without_row",
        lambda world: replace(
            world,
            objects=changed(world.objects, lambda each: each.area == "public", area="private"),
        ),
    ),
    "a file lies in no area": ("file_without_row", lying(file("", "left/behind.png", "x"))),
    "a file was not finished": (
        "half_file",
        lying(file("public", "content/avatar/.sold_token.png.ab12.part", "x")),
    ),
    "a delivered row has no file": ("row_without_file", lacking("public")),
    "a held piece has no file": ("row_without_file", lacking("review")),
    "staging keeps an image of a piece that has ended": (
        "staged_too_long",
        staged(f"{REFUSED}/1/{sha(REFUSED)}"),
    ),
    "staging keeps an image of nobody": ("staged_for_nobody", staged("ghost/1/abc")),
    "a call stays open after its lease": ("open_attempt", open_attempt),
    "a call belongs to no task": (
        "attempt_without_task",
        lambda world: with_books(world, tasks=()),
    ),
    "content belongs to no piece": (
        "content_without_piece",
        lambda world: with_books(
            world,
            pieces=changed(world.books.pieces, lambda row: row.piece_id == SOLD, content_id=None),
        ),
    ),
    "a key belongs to no task": (
        "key_without_task",
        lambda world: with_books(world, order_keys=(OrderKeyRow("key:other", "other"),)),
    ),
}


@pytest.mark.parametrize(("code", "spoil"), BREACHES.values(), ids=BREACHES.keys())
def test_breach_is_found_when(code: str, spoil: Spoil) -> None:
    found = orphans.violations(spoil(sound_world()))
    assert code in {each.code for each in found}
    assert {each.invariant for each in found} == {"I4"}


def test_a_lease_has_its_grace() -> None:
    assert orphans.violations(replace(open_attempt(sound_world()), now=89.0)) == []
