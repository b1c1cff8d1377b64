"""Originals beside their copies are nobody's orphans, and are what was judged."""

from dataclasses import replace

import pytest

from tests.audit import exposure, lineage, orphans
from tests.audit.objects import ObjectFile
from tests.audit.reviewed_worlds import taken_down_world
from tests.audit.world import World
from tests.audit.worlds import REFUSED, SOLD, file, key, sha, sound_world

ORIGINAL = file("private", key(SOLD, "_original.png"), sha(SOLD))


def beside(world: World, original: ObjectFile) -> World:
    return replace(world, objects=(*world.objects, original))


def breaches(world: World) -> set[tuple[str, str]]:
    found = [*exposure.violations(world), *orphans.violations(world), *lineage.violations(world)]
    return {(each.invariant, each.code) for each in found}


def test_the_judged_bytes_may_be_kept_beside_their_copy() -> None:
    assert breaches(beside(sound_world(), ORIGINAL)) == set()


def test_no_original_has_to_be_kept() -> None:
    assert breaches(sound_world()) == set()


@pytest.mark.parametrize(
    ("breach", "original"),
    [
        (("I5", "other_original"), file("private", ORIGINAL.key, "x")),
        (("I4", "file_without_row"), file("public", ORIGINAL.key, sha(SOLD))),
        (
            ("I4", "file_without_row"),
            file("private", key(REFUSED, "_original.png"), sha(REFUSED)),
        ),
        (("I4", "file_without_row"), file("private", f"{ORIGINAL.key}/more.png", sha(SOLD))),
    ],
    ids=["other bytes", "for everybody", "of a piece that was refused", "no name of one"],
)
def test_breach_is_found_in(breach: tuple[str, str], original: ObjectFile) -> None:
    assert breach in breaches(beside(sound_world(), original))


def test_an_original_goes_with_its_piece() -> None:
    world = taken_down_world()
    assert ("I4", "taken_down_kept") not in breaches(world)
    assert ("I4", "taken_down_kept") in breaches(beside(world, ORIGINAL))
