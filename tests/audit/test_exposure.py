"""I3 finds every byte that the public could read too early or at all."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.audit import exposure
from tests.audit.credentials import Credentials
from tests.audit.evidence import Probe
from tests.audit.objects import ObjectFile
from tests.audit.pictures import Picture
from tests.audit.spoiling import changed, with_evidence, with_streams, without_fact
from tests.audit.world import World
from tests.audit.worlds import (
    REFUSED,
    SOLD,
    WAITING,
    copy_sha,
    delivery,
    file,
    key,
    look,
    sha,
    sound_world,
    thumbnail,
    verdict,
)

Spoil = Callable[[World], World]


def probe(path: str, sha256: str, at: float = 26.0) -> Spoil:
    """Somebody without a key has read this."""
    return lambda world: with_evidence(world, probes=(Probe(at, path, 200, sha256),))


def lying(*files: ObjectFile) -> Spoil:
    """These files lie there as well."""
    return lambda world: replace(world, objects=(*world.objects, *files))


def written_at(at: float) -> Spoil:
    """The public image was written at this moment."""
    return lambda world: replace(
        world, objects=changed(world.objects, lambda file: file.area == "public", changed_at=at)
    )


def image(**news: object) -> Spoil:
    """The public image has these news."""
    return lambda world: replace(
        world, objects=changed(world.objects, lambda each: each.key == IMAGE, **news)
    )


def signed_for(piece_id: str, source: str, *, intact: bool = True) -> Picture:
    """What a file tells that names this piece, and the judged bytes of that one."""
    return Picture(look(source), Credentials(piece_id, sha(source), intact=intact))


def stored(piece_id: str, **body: object) -> Spoil:
    """What storage tells of a piece has these news."""

    def spoil(world: World) -> World:
        known = next(each for each in world.messages("content.stored") if piece_id in each.tokens)
        facts = changed(
            world.streams.facts, lambda each: each is known, body={**known.body, **body}
        )
        return with_streams(world, facts=facts)

    return spoil


OBJECT = f"/objects/{key(WAITING)}"
IMAGE = key(SOLD, ".jpg")

BREACHES: dict[str, tuple[str, Spoil]] = {
    "a held image was read": ("read_by_anybody", probe(OBJECT, sha(WAITING))),
    "a staged image was read": ("read_by_anybody", probe("/objects/staging/x", sha(REFUSED))),
    "an image was read before its verdict": (
        "read_by_anybody",
        probe(f"/objects/{IMAGE}", copy_sha(SOLD), at=21.0),
    ),
    "other bytes were read under an allowed name": (
        "read_by_anybody",
        probe(f"/objects/{IMAGE}", sha("other")),
    ),
    "a held thumbnail was read": (
        "read_by_anybody",
        probe(f"/objects/{key(WAITING, '_thumb.jpg')}", sha("thumbnail-waiting")),
    ),
    "a thumbnail was read before its verdict": (
        "read_by_anybody",
        probe(f"/objects/{key(SOLD, '_thumb.jpg')}", sha("thumbnail-sold"), at=21.0),
    ),
    "other bytes were read as a thumbnail": (
        "read_by_anybody",
        probe(f"/objects/{key(SOLD, '_thumb.jpg')}", sha("other")),
    ),
    "a held image lies in public": (
        "unmoderated_file",
        lying(file("public", key(WAITING), sha(WAITING))),
    ),
    "a rejected image lies in private": (
        "unmoderated_file",
        lying(file("private", key(REFUSED), sha(REFUSED))),
    ),
    "a held thumbnail lies in public": ("unmoderated_file", lying(thumbnail("public", WAITING))),
    "a file is older than its verdict": ("unmoderated_file", written_at(21.0)),
    "nobody judged the bytes in public": (
        "unmoderated_bytes",
        image(sha256="x", picture=Picture(look(SOLD), None)),
    ),
    "a public copy derives from what was rejected": (
        "unmoderated_bytes",
        image(picture=signed_for(SOLD, REFUSED)),
    ),
    "a public copy is of another piece": (
        "unmoderated_bytes",
        image(picture=signed_for(REFUSED, SOLD)),
    ),
    "a public copy was altered after it was signed": (
        "unmoderated_bytes",
        image(picture=signed_for(SOLD, SOLD, intact=False)),
    ),
    "a copy of what was rejected was read": (
        "read_by_anybody",
        lambda world: probe(f"/objects/{IMAGE}", "x")(
            stored(SOLD, delivery={"image_sha256": "x", "source_sha256": sha(REFUSED)})(world)
        ),
    ),
    "storage delivers what is to be reviewed": (
        "delivered_unallowed",
        stored(WAITING, delivery=delivery(WAITING, held=False)),
    ),
    "storage makes another tier public": (
        "tier_exposed",
        stored(SOLD, verdict={**verdict(SOLD, "approved"), "tier": "capa2"}),
    ),
    "storage did not wait for the verdict": (
        "stored_unjudged",
        lambda world: without_fact(world, "content.moderated", SOLD),
    ),
}


@pytest.mark.parametrize(("code", "spoil"), BREACHES.values(), ids=BREACHES.keys())
def test_breach_is_found_when(code: str, spoil: Spoil) -> None:
    found = exposure.violations(spoil(sound_world()))
    assert code in {each.code for each in found}
    assert {each.invariant for each in found} == {"I3"}
    assert not any(each.heals for each in found)


def test_a_file_that_is_being_written_is_not_served() -> None:
    half = file("public", f"content/avatar/.{SOLD}_token.png.ab12.part", "x")
    assert exposure.violations(lying(half)(sound_world())) == []


def test_a_copy_that_was_read_and_deleted_is_known_by_what_storage_told() -> None:
    world = sound_world()
    gone = replace(world, objects=tuple(each for each in world.objects if each.key != IMAGE))
    assert exposure.violations(gone) == []


def test_a_copy_of_which_nobody_told_is_known_by_its_credentials() -> None:
    world = without_fact(sound_world(), "content.stored", SOLD)
    assert exposure.violations(world) == []
